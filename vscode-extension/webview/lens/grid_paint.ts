// Draws the cells of the lens grid that are in sight, and the names beside them, on a canvas as large as the window onto the grid.
// What must not live here: geometry (grid_layout.ts), events.
import type { LensView, TableToken } from "../../src/generated/protocol";
import { probability, rank } from "../display";
import { stepOf, type Colours } from "../scales";
import { cut, token } from "../token_display";
import { CELL, inSight, rankStep, type Grid } from "./grid_layout";

export interface GridScene {
  grid: Grid;
  lens: LensView;
  tokens: readonly TableToken[];
  colours: Colours;
  by: "probability" | "rank";
  /** Largest probability of the target in any cell: what the scale goes up to. */
  largest: number;
  numbers: boolean;
  scroll: { left: number; top: number };
  room: { width: number; height: number };
}

/** Most opaque a step gets, so that text on it stays legible: the same as in scales.css. */
const MOST = 0.45;
const STEPS = 7;
/** Width of a character, at most, at the sizes used. */
const CHARACTER = 6.7;

export function paintGrid(pen: CanvasRenderingContext2D, scene: GridScene, density: number): void {
  const { grid, lens, colours, room, scroll } = scene;
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.background;
  pen.fillRect(0, 0, room.width, room.height);
  const { firstColumn, lastColumn, firstRow, lastRow } = inSight(grid, scroll, room);
  const hasText = grid.width >= CELL.text;
  const gap = grid.width > 10 ? 1 : 0;
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  pen.font = `11px ${colours.font}`;
  for (let row = firstRow; row < lastRow; row++) {
    const layer = grid.nRows - 1 - row;
    const y = row * grid.height - scroll.top;
    pen.fillStyle = colours.grid;
    pen.fillRect(grid.left, y + grid.height - 1, room.width, 1);
    for (let column = firstColumn; column < lastColumn; column++) {
      const cell = lens.lens[layer]?.[column];
      if (!cell) continue;
      const x = grid.left + column * grid.width - scroll.left;
      const step = scene.by === "rank" ? rankStep(cell.target_rank) : stepOf(cell.target_prob, scene.largest);
      if (step > 0) {
        pen.fillStyle = colours.flow;
        if (colours.isHighContrast) {
          // Thickness of the line under the cell instead of what is behind its text.
          pen.fillRect(x + 1, y + grid.height - gap - step * 0.8, grid.width - 2, step * 0.8);
        } else {
          pen.globalAlpha = (MOST * step) / STEPS;
          pen.fillRect(x, y, grid.width - gap, grid.height - gap);
          pen.globalAlpha = 1;
        }
      }
      // Of a cell that is half under the names nothing could be read.
      if (!hasText || x < grid.left - 0.4 * grid.width) continue;
      const number = scene.numbers && step > 0 ? numberOf(scene.by, cell.target_prob, cell.target_rank) : "";
      const columns = Math.floor((grid.width - 6) / CHARACTER) - (number ? number.length + 1 : 0);
      // On a colour the quieter text would not be legible in every theme.
      pen.fillStyle = step > 0 ? colours.foreground : colours.muted;
      const text = columns >= 2 ? cut(token(cell.text), columns) : "";
      pen.fillText(`${text} ${number}`.trim(), x + (grid.width - gap) / 2, y + (grid.height - gap) / 2);
    }
  }
  paintNames(pen, scene);
}

function numberOf(by: GridScene["by"], share: number, place: number): string {
  return by === "rank" ? rank(place) : probability(share);
}

/** Names of layers and tokens, over the cells, where they stay while the grid is scrolled. */
function paintNames(
  pen: CanvasRenderingContext2D,
  { grid, lens, tokens, colours, scroll, room }: GridScene,
): void {
  const bottom = Math.min(room.height, grid.nRows * grid.height - scroll.top + grid.bottom) - grid.bottom;
  pen.fillStyle = colours.background;
  pen.fillRect(0, 0, grid.left, room.height);
  pen.fillRect(0, bottom, room.width, room.height - bottom);
  pen.fillStyle = colours.muted;
  pen.textAlign = "right";
  const { firstColumn, lastColumn, firstRow, lastRow } = inSight(grid, scroll, room);
  for (let row = firstRow; row < lastRow; row++) {
    const layer = grid.nRows - 1 - row;
    const y = (row + 0.5) * grid.height - scroll.top;
    if (y < bottom - 4) pen.fillText(layer === 0 ? "emb" : `L${layer - 1}`, grid.left - 6, y);
  }
  const isFlat = grid.width >= CELL.text;
  const every = isFlat ? 1 : Math.max(1, Math.ceil(13 / grid.width));
  for (let column = firstColumn; column < lastColumn; column++) {
    if (column % every !== 0) continue;
    const text = tokens[lens.positions[column] ?? -1]?.display ?? "";
    const x = grid.left + (column + 0.5) * grid.width - scroll.left;
    if (x < grid.left) continue;
    if (isFlat) {
      pen.textAlign = "center";
      pen.fillText(cut(text, Math.floor((grid.width - 2) / CHARACTER)), x, bottom + 12);
      continue;
    }
    pen.save();
    pen.translate(x + 3, bottom + 7);
    pen.rotate(-0.87);
    pen.fillText(cut(text, 10), 0, 0);
    pen.restore();
  }
}
