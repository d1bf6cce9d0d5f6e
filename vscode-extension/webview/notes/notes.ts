// Notes: what a person calls a head, a neuron or an MLP of a model. Which component a note is of, and what text it can be.
// What must not live here: anything drawn, where notes are kept (src/notes.ts). The extension imports this file too.
import { headName, neuronName } from "../display";
import type { Selection } from "../messages";

/** Notes of one model, by the component's name. */
export type Notes = Readonly<Record<string, string>>;

/** Longest note, in characters. */
export const LONGEST_NOTE = 200;

/** The name that a note of this selection is kept under; null: it is of one prompt, and so has none. */
export function notable(selection: Selection | null): string | null {
  switch (selection?.kind) {
    case "head":
      return headName(selection.layer, selection.head);
    case "neuron":
      return neuronName(selection.layer, selection.neuron);
    case "mlp":
      return mlpName(selection.layer);
    default:
      return null;
  }
}

/** An MLP's short name: `MLP L3`. */
export function mlpName(layer: number): string {
  return `MLP L${layer}`;
}

/** Whether a name is that of a component. */
export function isComponentName(name: string): boolean {
  return /^(L\d{1,4}H\d{1,5}|L\d{1,4} N\d{1,7}|MLP L\d{1,4})$/.test(name);
}

/** A note as it is kept and shown: one line that stays where it stands. Empty: no note. */
export function tidyNote(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\s]+/gu, " ").trim();
  return Array.from(line).slice(0, LONGEST_NOTE).join("").trim();
}

/** Notes that somebody else wrote: only components, only text. */
export function readNotes(value: unknown): Notes {
  if (typeof value !== "object" || value === null) return {};
  const rows = Object.entries(value).map(([name, text]) => [
    name,
    typeof text === "string" ? tidyNote(text) : "",
  ]);
  return Object.fromEntries(
    rows.filter(([name = "", text]) => isComponentName(name) && text !== ""),
  ) as Notes;
}
