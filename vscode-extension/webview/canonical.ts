// One spelling for params and interventions, so that two that mean the same compare equal.
// What must not live here: what is asked, or where.

/** JSON with keys sorted and nulls left out, at every depth. */
export function canonical(value: unknown): string {
  return JSON.stringify(tidy(value));
}

function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => [key, tidy(inner)]),
  );
}
