// The heat of each token: which score it shows, in which step of which scale.
// What must not live here: anything drawn, the colours themselves (scales.css).
import type { Attribution } from "../../src/generated/protocol";
import { flow, signed } from "../display";
import { figureOf, type Figure, type Measured } from "../measured";
import type { HeatKind } from "../panel_state";
import { diverging, largestWithoutSink, sequential } from "../scales";

/** The prompt's first token: nearly every head reads it whatever it says, so it never sets the scale. */
export const SINK_POSITION = 0;

export interface TokenHeat {
  /** Class of scales.css; empty where there is nothing to see. */
  name: string;
  /** The number as it is printed; empty where there is none. */
  number: string;
  /** What is said of it in a hover. */
  words: string;
  figure: Figure;
}

export interface Heat {
  kind: HeatKind;
  /** The score that sets the scale, printed. */
  largest: string;
  unit: string;
  method: string;
  tokens: TokenHeat[];
}

/** Figures of all tokens: the attribution, and what hiding each was measured to do. */
export function tokenFigures(attribution: Attribution, measured: Measured): Figure[] {
  const isNats = attribution.unit !== "share";
  return attribution.scores.map((score, index) =>
    figureOf(measured, { kind: "knockout", token: index }, isNats ? score : null, {
      effect: attribution.effects?.[index],
      disagreement: attribution.disagreements?.[index],
    }),
  );
}

/** Whether any token was measured. */
export function hasEffects(figures: readonly Figure[]): boolean {
  return figures.some(({ effect }) => effect !== null);
}

export function heatOf(attribution: Attribution, figures: readonly Figure[], wanted: HeatKind): Heat {
  const flows = attribution.method === "flow" ? attribution.scores : attribution.others?.flow;
  const kind = kindShown(attribution, flows, figures, wanted);
  if (kind === "flow") {
    const shares = flows ?? attribution.scores;
    const largest = largestWithoutSink(shares, SINK_POSITION);
    return {
      kind,
      largest: flow(largest),
      unit: "share",
      method: "flow",
      tokens: shares.map((share, index) => ({
        name: index === SINK_POSITION ? "" : sequential(share, largest),
        number: flow(share),
        words: `flow ${flow(share)}`,
        figure: figures[index] ?? NO_FIGURE,
      })),
    };
  }
  const scores = figures.map(({ effect, estimate }) => (kind === "effect" ? effect : estimate));
  const largest = largestWithoutSink(scores, SINK_POSITION);
  return {
    kind,
    largest: signed(largest),
    unit: "nats",
    method: kind === "effect" ? "measured" : attribution.method,
    tokens: figures.map((figure, index) => {
      const score = scores[index] ?? null;
      const share = flows?.[index];
      return {
        name: score === null || index === SINK_POSITION ? "" : diverging(score, largest),
        number: score === null ? "" : kind === "effect" ? signed(score) : `~${signed(score)}`,
        words: [
          figure.estimate === null ? "" : `attribution ~${signed(figure.estimate)}`,
          figure.effect === null ? "" : `measured effect ${signed(figure.effect)}`,
          figure.disagreement ? `they disagree in ${figure.disagreement}` : "",
          share === undefined ? "" : `flow ${flow(share)}`,
        ]
          .filter(Boolean)
          .join(", "),
        figure,
      };
    }),
  };
}

const NO_FIGURE: Figure = { estimate: null, effect: null, disagreement: null, error: null };

/** The kind that can be shown: a wanted one whose scores are missing falls back to one that is there. */
function kindShown(
  attribution: Attribution,
  flows: readonly number[] | undefined,
  figures: readonly Figure[],
  wanted: HeatKind,
): HeatKind {
  if (wanted === "effect" && hasEffects(figures)) return "effect";
  if (attribution.unit === "share") return "flow";
  return wanted === "flow" && flows ? "flow" : "attribution";
}
