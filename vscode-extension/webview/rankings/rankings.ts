// Two rankings of the same kind of thing, by attribution and by flow, as one list without doubles.
// What must not live here: anything drawn.

/** Rows of both lists, each once. A row of the first wins: only the ranking by attribution knows attributions. */
export function united<T>(first: readonly T[], second: readonly T[], nameOf: (row: T) => string): T[] {
  const names = new Set(first.map(nameOf));
  return [...first, ...second.filter((row) => !names.has(nameOf(row)))];
}
