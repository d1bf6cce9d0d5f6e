// A run as Markdown: what is predicted, what the tokens, heads and neurons do for it, and what was measured.
// What must not live here: single components (the inspector's cards).
import type {
  AttributionView,
  EffectRow,
  HeadRow,
  NeuronRow,
  TableToken,
  TokensView,
} from "../src/generated/protocol";
import { flow, headName, neuronName, probability, signed } from "./display";
import { describeChange } from "./interventions";
import { code, paragraphs, table } from "./markdown";
import type { Measured } from "./measured";
import type { RunHead } from "./messages";
import type { Notes } from "./notes/notes";
import { token } from "./token_display";

/** What of a run is known. */
export interface KnownRun {
  run: RunHead;
  tokens: { table: readonly TableToken[]; view: TokensView } | null;
  attribution: AttributionView | null;
  measured: Measured;
  notes: Notes;
}

/** Tokens listed: the strongest. */
const MOST_TOKENS = 40;

const MOST_ROWS = 15;

export function runMarkdown({ run, tokens, attribution, measured, notes }: KnownRun): string {
  const target = tokens?.view.target ?? run.target;
  return paragraphs([
    `# ${code(run.title)}`,
    `${run.model}, ${run.n_tokens} tokens` +
      (target ? `; explained: ${code(token(target.text))}` : "") +
      (target?.foil ? ` rather than ${code(token(target.foil.text))}` : ""),
    table(
      ["next token", "probability"],
      (tokens?.view.predictions ?? run.predictions).map(({ text, prob }) => [
        code(token(text)),
        probability(prob),
      ]),
    ),
    attribution && tokens ? tokenTable(tokens.table, attribution) : "",
    attribution ? rankTable("head", attribution.heads, (row) => headName(row.layer, row.head), notes) : "",
    attribution
      ? rankTable("neuron", attribution.neurons, (row) => neuronName(row.layer, row.neuron), notes)
      : "",
    measured.size > 0 ? effectTable([...measured.values()], tokens?.table ?? []) : "",
  ]);
}

function tokenTable(tokens: readonly TableToken[], { attribution }: AttributionView): string {
  const { scores, others, unit, effects } = attribution;
  const isNats = unit !== "share";
  const flows = isNats ? others?.flow : scores;
  const strongest = tokens
    .map(({ index, display }) => ({ index, display, score: scores[index] ?? 0 }))
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score))
    .slice(0, MOST_TOKENS)
    .sort((a, b) => a.index - b.index);
  return table(
    ["token", "", isNats ? "attribution ~, nats" : "", "effect, nats", "flow"],
    strongest.map(({ index, display, score }) => [
      String(index),
      code(display),
      isNats ? signed(score) : "",
      numberOr(effects?.[index]),
      flows?.[index] === undefined ? "" : flow(flows[index]),
    ]),
  );
}

function rankTable<T extends HeadRow | NeuronRow>(
  what: string,
  rows: readonly T[],
  name: (row: T) => string,
  notes: Notes,
): string {
  return table(
    [what, "flow", "attribution ~, nats", "effect, nats", "writes"],
    rows.slice(0, MOST_ROWS).map((row) => [
      noted(name(row), notes),
      flow(row.flow),
      numberOr(row.attribution),
      numberOr(row.effect),
      row.promotes
        .slice(0, 3)
        .map(({ text }) => code(token(text)))
        .join(" "),
    ]),
  );
}

/** A component's name with its note, which is somebody's text: it stands as code. */
export function noted(component: string, notes: Notes): string {
  const note = notes[component];
  return note ? `${component} ${code(note)}` : component;
}

/** Measured rows, strongest first. */
export function effectTable(rows: readonly EffectRow[], tokens: readonly TableToken[]): string {
  return table(
    ["without", "score ~, nats", "effect, nats"],
    [...rows]
      .sort((a, b) => Math.abs(b.effect ?? 0) - Math.abs(a.effect ?? 0))
      .map(({ intervention, part, score, effect, disagreement }) => [
        code(part?.text ?? describeChange(intervention, tokens)),
        numberOr(score),
        typeof effect === "number" ? signed(effect) + (disagreement ? " ≠" : "") : "failed",
      ]),
  );
}

function numberOr(value: number | null | undefined): string {
  return typeof value === "number" ? signed(value) : "";
}
