// Which step of a scale a score stands at: the same in the panel and on the text of the editor, so this names no DOM type.
// What must not live here: colours, and any knowledge of what is measured.
/** Steps of each scale. Seven, as the design says: more cannot be told apart at an alpha that leaves text legible. */
export const STEPS = 7;

/** Class of the first-token sink, which is hatched and never sets a scale. */
export const SINK = "sink";

/** 1..7: the seventh of the largest shown score that is nearest; 0 where there is nothing to show. */
export function stepOf(score: number, largest: number): number {
  const share = Math.abs(score) / largest;
  if (!Number.isFinite(share) || share <= 0) return 0;
  // As the daemon's own heat: less than half of the lowest step is nothing to look at, or every token would be tinted.
  return Math.min(STEPS, Math.round(share * STEPS));
}

/** Class for a signed score: `support1`..`support7`, `oppose1`..`oppose7`, or '' for none. */
export function diverging(score: number, largest: number): string {
  const step = stepOf(score, largest);
  if (step === 0) return "";
  return `${score > 0 ? "support" : "oppose"}${step}`;
}

/** Class for a share: `flow1`..`flow7`, or '' for none. */
export function sequential(share: number, largest: number): string {
  const step = share > 0 ? stepOf(share, largest) : 0;
  return step === 0 ? "" : `flow${step}`;
}

/** The score that sets a scale: the largest but the sink's. */
export function largestWithoutSink(scores: readonly (number | null)[], sink: number | null = 0): number {
  let largest = 0;
  for (const [index, score] of scores.entries()) {
    if (index !== sink && score !== null && Number.isFinite(score))
      largest = Math.max(largest, Math.abs(score));
  }
  return largest;
}
