// Where the panel looked, with a way back and forward, as a browser has it.
// What must not live here: what a selection shows.
import { canonical } from "./canonical";
import type { Selection } from "./messages";

/** What is looked at, and what was before and after it. */
export interface SelectionHistory {
  readonly entries: readonly Selection[];
  /** Index in `entries`; -1: nothing is looked at. */
  readonly at: number;
}

export const NOTHING_SELECTED: SelectionHistory = { entries: [], at: -1 };

/** Entries kept; older ones are forgotten. */
const MOST = 50;

export function current(history: SelectionHistory): Selection | null {
  return history.entries[history.at] ?? null;
}

export function isSame(a: Selection | null, b: Selection | null): boolean {
  return canonical(a) === canonical(b);
}

/** Looks at something new: what lay forward is forgotten. The same again changes nothing. */
export function select(history: SelectionHistory, selection: Selection): SelectionHistory {
  if (isSame(current(history), selection)) return history;
  const entries = [...history.entries.slice(0, history.at + 1), selection].slice(-MOST);
  return { entries, at: entries.length - 1 };
}

export function canGo(history: SelectionHistory, steps: -1 | 1): boolean {
  return history.entries[history.at + steps] !== undefined;
}

export function go(history: SelectionHistory, steps: -1 | 1): SelectionHistory {
  return canGo(history, steps) ? { ...history, at: history.at + steps } : history;
}

/** Looks at nothing; what was looked at stays one step back. */
export function clear(history: SelectionHistory): SelectionHistory {
  if (!current(history)) return history;
  return { entries: history.entries.slice(0, history.at + 1), at: history.at + 1 };
}
