// Draws an attention map on a canvas: one pixel an entry, then as large as there is room, so that any number of tokens costs the same.
// What must not live here: geometry (map_layout.ts), events.
import type { TableToken } from "../../src/generated/protocol";
import type { Colours } from "../scales";
import { cut } from "../token_display";
import type { MapGrid, Rows } from "./map_layout";

export interface MapScene {
  grid: MapGrid;
  map: Rows;
  tokens: readonly TableToken[];
  colours: Colours;
  largest: number;
  /** The row that is looked at. */
  position: number;
  room: { width: number; height: number };
}

const STEPS = 7;
/** Even the weakest step must be seen on one pixel; scales.css says the same of a solid legend. */
const LEAST = 0.18;

export function paintMap(pen: CanvasRenderingContext2D, scene: MapScene, density: number): void {
  const { grid, colours, room, map } = scene;
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.background;
  pen.fillRect(0, 0, room.width, room.height);
  const size = grid.n * grid.side;
  const entries = entriesOf(scene);
  // Small cells are averaged, large ones keep their edges.
  pen.imageSmoothingEnabled = grid.side < 1;
  pen.imageSmoothingQuality = "high";
  if (entries) pen.drawImage(entries, grid.left, grid.top, size, size);
  hatchSink(pen, scene);
  pen.strokeStyle = colours.residual;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(grid.left - 0.5, grid.top);
  pen.lineTo(grid.left - 0.5, grid.top + size + 0.5);
  pen.lineTo(grid.left + size, grid.top + size + 0.5);
  pen.closePath();
  pen.stroke();
  if (map[scene.position]) {
    pen.strokeStyle = colours.focus;
    const width = (scene.position + 1) * grid.side;
    pen.strokeRect(grid.left, grid.top + scene.position * grid.side, width, Math.max(1.5, grid.side));
  }
  paintNames(pen, scene);
}

/** One pixel an entry: the step's share of the hue. */
function entriesOf({ grid, map, colours, largest }: MapScene): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, grid.n);
  canvas.height = Math.max(1, grid.n);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return null;
  // The hue as bytes, however the style sheet spells it.
  pen.fillStyle = colours.flow;
  pen.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = pen.getImageData(0, 0, 1, 1).data;
  const image = pen.createImageData(canvas.width, canvas.height);
  for (const [row, values] of map.entries())
    for (const [key, value] of values.entries()) {
      const step = Math.min(STEPS, Math.round((Math.max(0, value) / largest) * STEPS));
      if (step === 0 || !Number.isFinite(step)) continue;
      const at = 4 * (row * canvas.width + key);
      // No text stands on these cells, so they may be as strong as the hue.
      image.data.set([red, green, blue, Math.round(255 * (LEAST + ((1 - LEAST) * step) / STEPS))], at);
    }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** The first token takes what attention is left over: hatched, and not part of the scale. */
function hatchSink(pen: CanvasRenderingContext2D, { grid, colours }: MapScene): void {
  const width = Math.max(3, grid.side);
  const height = grid.n * grid.side;
  pen.save();
  pen.beginPath();
  pen.rect(grid.left, grid.top, width, height);
  pen.clip();
  pen.strokeStyle = colours.background;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let y = -width; y < height; y += 5) {
    pen.moveTo(grid.left, grid.top + y + width);
    pen.lineTo(grid.left + width, grid.top + y);
  }
  pen.stroke();
  pen.restore();
}

function paintNames(pen: CanvasRenderingContext2D, { grid, tokens, colours, position }: MapScene): void {
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  pen.font = `11px ${colours.font}`;
  for (let at = 0; at < grid.n; at++) {
    // The row that is looked at always has its name, in place of a neighbour's.
    const isNear = Math.abs(at - position) * grid.side < 13;
    if (at !== position && (isNear || at % grid.every !== 0)) continue;
    const text = cut(tokens[at]?.display ?? "", 11);
    const middle = (at + 0.5) * grid.side;
    pen.fillStyle = at === position ? colours.foreground : colours.muted;
    pen.fillText(text, grid.left - 6, grid.top + middle);
    pen.save();
    pen.translate(grid.left + middle + 3, grid.top + grid.n * grid.side + 9);
    pen.rotate(-0.87);
    pen.fillText(text, 0, 0);
    pen.restore();
  }
}
