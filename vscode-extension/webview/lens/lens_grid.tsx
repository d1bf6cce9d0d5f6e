// The logit lens as a grid: layers from the embedding up, tokens left to right, coloured by the target's probability or rank.
// What must not live here: the drawing of cells (grid_paint.ts), where data comes from.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LensView, TableToken, Target } from "../../src/generated/protocol";
import { probability, rank } from "../display";
import { onTableKey, TableButton } from "../drawing/table_switch";
import { useRoom } from "../drawing/use_room";
import type { Selection } from "../messages";
import { Legend } from "../scales";
import { token } from "../token_display";
import { boxStyle } from "../drawing/box_style";
import { cellAt, cellBox, extent, fittingZoom, gridOf, type Cell, type Grid } from "./grid_layout";
import { paintGrid } from "./grid_paint";
import { layerName, lensSelection, LensTable } from "./lens_table";
import "../drawing/drawing.css";
import "./lens.css";

export interface LensGridProps {
  lens: LensView;
  tokens: readonly TableToken[];
  target: Target;
  selection: Selection | null;
  onSelect: (selection: Selection) => void;
  /** The pointer rests on a token; null: on none. */
  onPoint: (token: number | null) => void;
  /** The token that the pointer rests on elsewhere. */
  pointed: number | null;
  numbers: boolean;
}

export function LensGrid(props: LensGridProps) {
  const { lens, tokens, target, selection, numbers, pointed } = props;
  const box = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef(0);
  const [by, setBy] = useState<"probability" | "rank">("probability");
  const [isTable, setIsTable] = useState(false);
  const toggle = () => setIsTable((is) => !is);
  const [zoom, setZoom] = useState(1);
  const [hovered, setHovered] = useState<Cell | null>(null);
  const [focused, setFocused] = useState<Cell | null>(null);
  const { size, colours } = useRoom(box);
  const nRows = lens.lens.length;
  const nColumns = lens.positions.length;
  const grid = useMemo(
    () => gridOf(nColumns, nRows, size, zoom, numbers),
    [nColumns, nRows, size, zoom, numbers],
  );
  const largest = useMemo(
    () => lens.lens.flat().reduce((most, cell) => Math.max(most, cell.target_prob), 0),
    [lens],
  );
  const whole = extent(grid);

  const draw = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const pen = canvas.current?.getContext("2d", { alpha: false });
      const seen = scroller.current;
      if (!pen || !seen || !colours) return;
      const density = Math.min(3, Math.max(1, devicePixelRatio));
      const room = { width: seen.clientWidth, height: seen.clientHeight };
      const [width, height] = [Math.round(room.width * density), Math.round(room.height * density)];
      if (pen.canvas.width !== width) pen.canvas.width = width;
      if (pen.canvas.height !== height) pen.canvas.height = height;
      const scroll = { left: seen.scrollLeft, top: seen.scrollTop };
      performance.mark("limpid-paint-start");
      paintGrid(pen, { grid, lens, tokens, colours, by, largest, numbers, scroll, room }, density);
      performance.measure("limpid-paint", "limpid-paint-start");
    });
  };
  useLayoutEffect(draw);
  // What is explained stands at the end of the prompt: start there, at the top layer.
  useLayoutEffect(() => {
    const at = lens.positions.indexOf(target.position);
    const right = grid.left + (at + 1) * grid.width;
    if (scroller.current) scroller.current.scrollLeft = Math.max(0, right - scroller.current.clientWidth);
  }, [lens, target.position, grid]);

  const find = (event: MouseEvent) => {
    const seen = scroller.current;
    const edges = seen?.getBoundingClientRect();
    if (!seen || !edges) return null;
    const x = event.clientX - edges.left;
    const y = event.clientY - edges.top;
    const isName = x < grid.left || y > Math.min(seen.clientHeight, whole.height) - grid.bottom;
    return isName ? null : cellAt(grid, x + seen.scrollLeft, y + seen.scrollTop);
  };
  const open = (cell: Cell | null) => {
    const position = lens.positions[cell?.column ?? -1];
    if (cell && position !== undefined) props.onSelect(lensSelection(cell.layer, position));
  };
  const go = (to: Cell) => {
    const cell = { column: clamp(to.column, nColumns - 1), layer: clamp(to.layer, nRows - 1) };
    setFocused(cell);
    props.onPoint(lens.positions[cell.column] ?? null);
    if (scroller.current) reveal(scroller.current, grid, cell);
  };
  const press = (event: KeyboardEvent) => {
    const at = focused ?? selectedCell(lens, selection) ?? topCell(lens, target);
    const moves: Partial<Record<string, Cell>> = {
      ArrowUp: { ...at, layer: at.layer + 1 },
      ArrowDown: { ...at, layer: at.layer - 1 },
      ArrowLeft: { ...at, column: at.column - 1 },
      ArrowRight: { ...at, column: at.column + 1 },
      Home: { ...at, column: 0 },
      End: { ...at, column: nColumns - 1 },
    };
    const to = moves[event.key];
    if (to) go(focused ? to : at);
    else if (event.key === "Enter" || event.key === " ") open(at);
    else if (event.key === "+" || event.key === "=") setZoom((had) => Math.min(2, had * 1.25));
    else if (event.key === "-") setZoom((had) => Math.max(0.05, had / 1.25));
    else if (event.key === "0") setZoom(fittingZoom(nColumns, size, numbers));
    else return;
    event.preventDefault();
  };

  const told = hovered ?? focused;
  const column = pointed === null ? -1 : lens.positions.indexOf(pointed);
  return (
    <section class="limpid-lens" aria-label="Logit lens" onKeyDown={onTableKey(toggle)}>
      <div class="limpid-bar">
        <Legend
          scale="sequential"
          what={`${by} of ${token(target.text)}`}
          largest={probability(largest)}
          darkest={by === "rank" ? "#1, lightest to #10,000" : undefined}
        />
        <span class="limpid-buttons">
          {(["probability", "rank"] as const).map((name) => (
            <button key={name} type="button" aria-pressed={by === name} onClick={() => setBy(name)}>
              {name === "rank" ? "Rank" : "Probability"}
            </button>
          ))}
          {!isTable && (
            <button
              type="button"
              title="All tokens (0), or text in the cells"
              onClick={() => setZoom((had) => (had === 1 ? fittingZoom(nColumns, size, numbers) : 1))}
            >
              {zoom === 1 ? "Fit" : "Text"}
            </button>
          )}
          <TableButton isTable={isTable} onToggle={toggle} />
        </span>
      </div>
      <div class="limpid-room" ref={box}>
        {isTable ? (
          <LensTable {...{ lens, tokens }} onSelect={props.onSelect} onPoint={props.onPoint} />
        ) : (
          <div
            ref={scroller}
            class="limpid-scroller"
            role="application"
            aria-roledescription="grid"
            aria-label="Logit lens, layer by token. Arrow keys move, Enter opens, plus, minus and 0 change the width, t shows a table of the same."
            tabIndex={0}
            onScroll={draw}
            onPointerMove={(event) => {
              const cell = find(event);
              if (cell?.column === hovered?.column && cell?.layer === hovered?.layer) return;
              setHovered(cell);
              props.onPoint(cell ? (lens.positions[cell.column] ?? null) : null);
            }}
            onPointerLeave={() => {
              setHovered(null);
              props.onPoint(null);
            }}
            onClick={(event) => {
              const cell = find(event);
              if (cell) setFocused(cell);
              open(cell);
            }}
            onKeyDown={press}
            onBlur={() => setFocused(null)}
          >
            <canvas ref={canvas} aria-hidden="true" />
            <div class="limpid-whole" style={boxStyle(whole)} aria-hidden="true">
              {column >= 0 && (
                <Mark name="limpid-lit-cells" grid={grid} from={{ column, layer: nRows - 1 }} rows={nRows} />
              )}
              <Mark name="limpid-chosen-cell" grid={grid} from={selectedCell(lens, selection)} />
              <Mark name="limpid-lit-cell" grid={grid} from={hovered} />
              <Mark name="limpid-focused-cell" grid={grid} from={focused} />
            </div>
          </div>
        )}
        {!isTable && (
          <p class="limpid-said">{told ? cellSaid(told, lens, tokens, target) : "Point at a cell"}</p>
        )}
        <p class="limpid-spoken" aria-live="polite">
          {focused && !isTable ? cellSaid(focused, lens, tokens, target) : ""}
        </p>
      </div>
    </section>
  );
}

function Mark({
  name,
  grid,
  from,
  rows = 1,
}: {
  name: string;
  grid: Grid;
  from: Cell | null;
  rows?: number;
}) {
  if (!from) return null;
  const { x, y, width, height } = cellBox(grid, from);
  return (
    <div class={name} style={boxStyle({ left: x, top: y, width: width - 1, height: height * rows - 1 })} />
  );
}

/** `·is, after L22: top ·Paris 34 %; target ·Paris 34 %, #1`. */
function cellSaid(
  { column, layer }: Cell,
  lens: LensView,
  tokens: readonly TableToken[],
  target: Target,
): string {
  const cell = lens.lens[layer]?.[column];
  const position = lens.positions[column] ?? -1;
  if (!cell) return "";
  const where = `${tokens[position]?.display ?? `#${position}`}, ${layerName(layer)}`;
  const own = `${token(target.text)} ${probability(cell.target_prob)}, ${rank(cell.target_rank)}`;
  return `${where}: top ${token(cell.text)} ${probability(cell.prob)}; target ${own}`;
}

function selectedCell(lens: LensView, selection: Selection | null): Cell | null {
  if (selection?.kind !== "node") return null;
  const { kind, layer, position } = selection.node;
  const column = lens.positions.indexOf(position);
  if (column < 0 || (kind !== "embed" && kind !== "resid_post")) return null;
  return { column, layer: kind === "embed" ? 0 : layer + 1 };
}

function topCell(lens: LensView, target: Target): Cell {
  return { column: Math.max(0, lens.positions.indexOf(target.position)), layer: lens.lens.length - 1 };
}

function reveal(seen: HTMLElement, grid: Grid, cell: Cell): void {
  const { x, y, width, height } = cellBox(grid, cell);
  // The names cover a strip on the left and below.
  seen.scrollLeft = Math.max(x + width - seen.clientWidth, Math.min(seen.scrollLeft, x - grid.left));
  seen.scrollTop = Math.max(y + height + grid.bottom - seen.clientHeight, Math.min(seen.scrollTop, y));
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(0, value), most);
}
