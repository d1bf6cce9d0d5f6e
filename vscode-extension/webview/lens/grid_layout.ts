// The lens grid's geometry: cells, which of them are in sight, which one lies under a point; and the step of a rank. Pure.
// What must not live here: canvas, DOM.

export interface Grid {
  /** Columns and rows: positions, and the embedding with a row for each layer above it. */
  nColumns: number;
  nRows: number;
  /** Size of a cell, CSS pixels. */
  width: number;
  height: number;
  /** Room for the names of layers on the left and of tokens below. */
  left: number;
  bottom: number;
}

export interface Cell {
  column: number;
  /** 0 is the embedding, which is drawn lowest. */
  layer: number;
}

/** Widths of a cell: least and most, the least in which text is legible, at ease, at ease with a number; and its height. */
export const CELL = { least: 4, most: 120, text: 40, ease: 62, numbered: 104, height: 20 };

/** `zoom` 1: cells wide enough for text, or all of the width where there are few; less and more are narrower and wider. */
export function gridOf(
  nColumns: number,
  nRows: number,
  room: { width: number; height: number },
  zoom: number,
  numbers: boolean,
): Grid {
  const left = 34;
  const share = (room.width - left) / Math.max(1, nColumns);
  const width = Math.min(
    CELL.most,
    Math.max(CELL.least, Math.max(numbers ? CELL.numbered : CELL.ease, Math.min(share, CELL.most)) * zoom),
  );
  const rows = Math.max(1, nRows);
  const bottom = width >= CELL.text ? 24 : 66;
  const height = Math.min(30, Math.max(CELL.height, Math.floor((room.height - bottom) / rows)));
  return { nColumns, nRows, width, height, left, bottom };
}

/** The zoom at which all columns fit. */
export function fittingZoom(
  nColumns: number,
  room: { width: number; height: number },
  numbers: boolean,
): number {
  const one = gridOf(nColumns, 1, room, 1, numbers);
  return (room.width - one.left) / Math.max(1, nColumns) / one.width;
}

/** Size of everything, names included. */
export function extent(grid: Grid): { width: number; height: number } {
  return { width: grid.left + grid.nColumns * grid.width, height: grid.nRows * grid.height + grid.bottom };
}

/** Where a cell stands in the whole of the grid. */
export function cellBox(
  grid: Grid,
  { column, layer }: Cell,
): { x: number; y: number; width: number; height: number } {
  return {
    x: grid.left + column * grid.width,
    y: (grid.nRows - 1 - layer) * grid.height,
    width: grid.width,
    height: grid.height,
  };
}

/** The cell under a point of the whole grid; null: none. */
export function cellAt(grid: Grid, x: number, y: number): Cell | null {
  const column = Math.floor((x - grid.left) / grid.width);
  const layer = grid.nRows - 1 - Math.floor(y / grid.height);
  const isInside = column >= 0 && column < grid.nColumns && layer >= 0 && layer < grid.nRows;
  return isInside ? { column, layer } : null;
}

/** First and one past the last column and row (from above) of which anything is in sight. */
export function inSight(
  grid: Grid,
  scroll: { left: number; top: number },
  room: { width: number; height: number },
) {
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return {
    firstColumn: within(Math.floor(scroll.left / grid.width), grid.nColumns),
    lastColumn: within(Math.ceil((scroll.left + room.width - grid.left) / grid.width), grid.nColumns),
    firstRow: within(Math.floor(scroll.top / grid.height), grid.nRows),
    lastRow: within(Math.ceil((scroll.top + room.height) / grid.height), grid.nRows),
  };
}

/** Ranks at which the next step begins, strongest first: a rank's worth falls by its logarithm. */
const RANKS = [1, 3, 10, 30, 100, 1000, 10_000];

/** 7 for the top token down to 0 beyond the ten-thousandth. */
export function rankStep(rank: number): number {
  const at = RANKS.findIndex((most) => rank <= most);
  return at < 0 ? 0 : RANKS.length - at;
}
