// Which cuts of a prompt say something: a cut into one piece does not, nor does one that equals another.
// What must not live here: anything drawn.
import type { PartBy, PartsView } from "../../src/generated/protocol";

/** The cuts that are tried, as they are offered. */
export const CUTS: readonly { by: PartBy; title: string }[] = [
  { by: "message", title: "messages" },
  { by: "example", title: "examples" },
  { by: "paragraph", title: "paragraphs" },
  { by: "line", title: "lines" },
  { by: "sentence", title: "sentences" },
  { by: "word", title: "words" },
];

/** The prompt has this kind of part: at least one that is cut as was asked, and two to compare. */
export function exists(view: PartsView): boolean {
  return view.parts.length > 1 && view.parts.some(({ kind }) => kind === view.by);
}

/** The cut shown at first: the coarsest that exists. */
export function firstCut(found: readonly PartBy[]): PartBy | null {
  return CUTS.find(({ by }) => found.includes(by))?.by ?? null;
}
