// Orders rows of a table: strongest first, what is not known last, whichever way it is turned.
// What must not live here: columns, rows, anything drawn.

export interface Order {
  /** Name of the column. */
  by: string;
  isFalling: boolean;
}

export type Sortable = number | string | null;

/** Rows by a value of each; numbers by their size whatever their sign, texts by letter. Equal rows keep their order. */
export function sorted<T>(rows: readonly T[], value: (row: T) => Sortable, isFalling: boolean): T[] {
  const turn = isFalling ? -1 : 1;
  return rows
    .map((row) => ({ row, key: value(row) }))
    .sort((a, b) => {
      if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
      return turn * order(a.key, b.key);
    })
    .map(({ row }) => row);
}

function order(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a) - Math.abs(b);
  return String(a).localeCompare(String(b));
}

/** The order after a column's heading was pressed: that column falling, then rising. Texts rise first. */
export function pressed(order: Order, by: string, isText: boolean): Order {
  if (order.by !== by) return { by, isFalling: !isText };
  return { by, isFalling: !order.isFalling };
}
