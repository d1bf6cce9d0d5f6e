// Geometry of an attention map and its strongest entries. Pure.
// What must not live here: canvas, DOM.

/** A map: rows of growing length, `[position][key position]`. */
export type Rows = readonly (readonly number[])[];

export interface Entry {
  row: number;
  key: number;
  value: number;
}

export interface MapGrid {
  n: number;
  /** Side of a cell, CSS pixels; less than one where many tokens share a pixel. */
  side: number;
  left: number;
  top: number;
  /** Every so many tokens have their name beside the map: as many as are legible. */
  every: number;
}

/** Room that a name needs beside the next, and the longest along its direction. */
const NAME = 13;
const NAMES = { left: 84, below: 72 };
const MOST = 40;

export function mapGrid(n: number, room: { width: number; height: number }): MapGrid {
  const share = Math.min(room.width - NAMES.left - 8, room.height - NAMES.below - 8) / Math.max(1, n);
  // Whole pixels where there are any, for cells of equal size.
  const side = share >= 2 ? Math.min(Math.floor(share), MOST) : Math.max(0.05, share);
  return { n, side, left: NAMES.left, top: 6, every: Math.max(1, Math.ceil(NAME / side)) };
}

/** The entry under a point; null: none, as above the diagonal. */
export function entryAt(grid: MapGrid, rows: Rows, x: number, y: number): Entry | null {
  const key = Math.floor((x - grid.left) / grid.side);
  const row = Math.floor((y - grid.top) / grid.side);
  const value = rows[row]?.[key];
  return value === undefined ? null : { row, key, value };
}

/** The largest entry beside the first token's column, which never sets the scale; that column's where there is no other. */
export function largestEntry(rows: Rows): number {
  let largest = 0;
  for (const row of rows)
    for (let key = 1; key < row.length; key++) largest = Math.max(largest, row[key] ?? 0);
  return largest > 0 ? largest : Math.max(0, ...rows.map((row) => row[0] ?? 0));
}

/** The strongest entries but those of the first token, strongest first. */
export function strongestEntries(rows: Rows, most: number): Entry[] {
  const best: Entry[] = [];
  let least = 0;
  for (const [row, values] of rows.entries())
    for (let key = 1; key < values.length; key++) {
      const value = values[key] ?? 0;
      if (value <= least && best.length >= most) continue;
      best.push({ row, key, value });
      if (best.length >= 4 * most) {
        best.sort(stronger).length = most;
        least = best.at(-1)?.value ?? 0;
      }
    }
  return best.sort(stronger).slice(0, most);
}

function stronger(a: Entry, b: Entry): number {
  return b.value - a.value || a.row - b.row || a.key - b.key;
}
