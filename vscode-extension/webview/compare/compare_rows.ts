// The rows of a comparison in the order that tells most: what differs first, what matters somewhere before what matters nowhere.
// What must not live here: anything drawn.
import type { CompareRow, Reach } from "../../src/generated/protocol";

/** How far apart a row's runs are: the widest gap between two shares; a part that one lacks counts with its whole share. */
export function gap(row: CompareRow): number {
  const shares = row.cells.map((cell) => cell?.share ?? 0);
  return Math.max(...shares, 0) - Math.min(...shares, 1);
}

/** Differences first: changed parts, then the widest gaps; equal ones in the order of the prompt. */
export function differencesFirst(rows: readonly CompareRow[]): CompareRow[] {
  return rows
    .map((row, at) => ({ row, at, gap: Math.round(gap(row) * 1000) }))
    .sort(
      (a, b) =>
        Number(b.row.change !== "same") - Number(a.row.change !== "same") || b.gap - a.gap || a.at - b.at,
    )
    .map(({ row }) => row);
}

/** What a row's reach says, in words. */
export const REACH_WORDS: Record<Reach, string> = {
  everywhere: "matters in every run",
  some: "matters in some runs only",
  nowhere: "matters in no run",
};

/** How many rows have each reach. */
export function reachCounts(rows: readonly CompareRow[]): Record<Reach, number> {
  const counts: Record<Reach, number> = { everywhere: 0, some: 0, nowhere: 0 };
  for (const { reach } of rows) counts[reach] += 1;
  return counts;
}
