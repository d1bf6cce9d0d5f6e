// What was measured of a run, and how it stands beside the estimates: merged here, drawn elsewhere.
// What must not live here: asking (measuring.ts), anything drawn.
import type { Change, Disagreement, EffectRow } from "../src/generated/protocol";
import { changeKey } from "./interventions";

/** Measured rows by the key of their change. */
export type Measured = ReadonlyMap<string, EffectRow>;

export const NOTHING_MEASURED: Measured = new Map();

/** Adds rows; a row that is measured again replaces the one before it, and keeps its place. */
export function merge(measured: Measured, rows: readonly EffectRow[]): Measured {
  if (rows.length === 0) return measured;
  const all = new Map(measured);
  for (const row of rows) {
    const key = changeKey(row.intervention);
    const before = all.get(key);
    // Pieces come before their ranks are compared, and a later set may know no score: what is known already is kept.
    all.set(key, {
      ...row,
      score: row.score ?? before?.score,
      part: row.part ?? before?.part,
      disagreement: row.disagreement ?? before?.disagreement,
    });
  }
  return all;
}

/** An estimate and what was measured of the same, shown in one place. */
export interface Figure {
  /** The cheap score; null where there is none. */
  estimate: number | null;
  /** The effect; null where it is not measured. */
  effect: number | null;
  disagreement: Disagreement | null;
  /** Why it could not be measured. */
  error: string | null;
}

/** The figure of a change: what was measured of it in this panel, else what the answer itself knows. */
export function figureOf(
  measured: Measured,
  change: Change | null,
  estimate: number | null | undefined,
  known?: { effect?: number | null; disagreement?: Disagreement | null },
): Figure {
  const row = change === null ? undefined : measured.get(changeKey(change));
  const effect = row?.effect ?? known?.effect ?? null;
  const score = estimate ?? row?.score ?? null;
  const told = row?.disagreement ?? known?.disagreement ?? null;
  return {
    estimate: score,
    effect,
    // A sign that differs is plain to see even before the daemon compared ranks.
    disagreement: told ?? (effect !== null && score !== null && isOpposed(effect, score) ? "sign" : null),
    error: row?.error ?? null,
  };
}

/** Two that differ in sign, both of them far enough from nothing to have one. */
export function isOpposed(a: number, b: number, floor = 0.05): boolean {
  return Math.abs(a) >= floor && Math.abs(b) >= floor && Math.sign(a) !== Math.sign(b);
}

/** The number that stands for a figure, to sort and scale by: what is measured counts, else the estimate. */
export function standing(figure: Figure): number | null {
  return figure.effect ?? figure.estimate;
}
