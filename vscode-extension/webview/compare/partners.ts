// What a run can be compared with, and how that is asked.
// What must not live here: anything drawn.
import type { ModelRow, Target } from "../../src/generated/protocol";
import type { CompareWith, RunHead } from "../messages";

/** A comparison that is offered. */
export interface Partner {
  key: string;
  title: string;
  hint: string;
  with: CompareWith[];
  /** What the runs' columns are called, the one shown first; left out: by their models. */
  titles?: string[];
}

/** The daemon compares with 16 runs at most. */
const MOST = 16;

export function partners(
  run: RunHead,
  target: Target | null,
  history: readonly RunHead[],
  models: readonly ModelRow[],
): Partner[] {
  const offered: Partner[] = [];
  if (target?.foil) {
    offered.push({
      key: "foil",
      title: "the foil",
      hint: "What supports the target by itself, and what the foil",
      with: [
        { objective: "log_odds" },
        {
          target: { position: target.position, token: target.foil.id },
          foil: target.id,
          objective: "log_odds",
        },
      ],
      titles: ["target over foil", "target alone", "foil alone"],
    });
  }
  for (const other of history) {
    if (other.id === run.id) continue;
    const isSame = other.uri === run.uri;
    offered.push({
      key: `run ${other.id}`,
      title: `${isSame ? "this prompt, earlier" : other.title} (${other.model})`,
      hint: isSame ? "The same document as it was then" : other.uri,
      with: [{ run: other.id }],
    });
  }
  const loaded = models.filter(({ state, name }) => state === "loaded" && name !== run.model);
  if (loaded.length > 0) {
    offered.push({
      key: "models",
      title:
        loaded.length === 1
          ? (loaded[0]?.name ?? "the other model")
          : `all ${loaded.length + 1} loaded models`,
      hint: loaded.map(({ name }) => name).join(", "),
      with: loaded.slice(0, MOST).map(({ name }) => ({ model: name })),
    });
  }
  return offered;
}
