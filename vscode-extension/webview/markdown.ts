// Markdown that is copied from the panel: tokens as code that nothing in them can break out of, tables that stay tables.
// What must not live here: what is copied.

/** A token in a code span: its backticks cannot end it, its bars cannot end a cell. */
export function code(display: string): string {
  const longest = Math.max(0, ...[...display.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const pad = display.startsWith("`") || display.endsWith("`") ? " " : "";
  return `${fence}${pad}${display.replaceAll("|", "\\|")}${pad}${fence}`;
}

/** A table; cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Paragraphs, empty ones left out. */
export function paragraphs(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}
