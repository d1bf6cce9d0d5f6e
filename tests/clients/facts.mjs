// What is compared: short texts by the name of the thing and of the number, as `head L23H4 flow` = `2.6 %`.
// What must not live here: how a client is asked for them.

/** Marks that stand for "nobody has measured it". */
const NOT_MEASURED = new Set(["?", "–", "-", ""]);

/** A number as it is compared: without the `~` that stands in a heading elsewhere, one word for what was not measured. */
export function unmeasured(text) {
  const plain = text.trim().replace(/^~/, "").replace(/\s*≠/, " ≠");
  return NOT_MEASURED.has(plain) ? "not measured" : plain;
}

/** The facts that the clients show otherwise, as lines of a table; empty: all show the same. */
export function differences(clients) {
  const [reference] = clients;
  const wrong = [...reference.facts].filter(([key, value]) =>
    clients.some(({ facts }) => facts.get(key) !== value),
  );
  if (wrong.length === 0) return [];
  const rows = [["", ...clients.map(({ name }) => name)]].concat(
    wrong.map(([key]) => [key, ...clients.map(({ facts }) => facts.get(key) ?? "(not shown)")]),
  );
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]))
      .join("  ")
      .trimEnd(),
  );
}
