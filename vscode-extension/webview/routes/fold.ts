// Folding: which tokens get a column and which layers a row of their own, and which runs are folded into one.
// What must not live here: pixels.

/** A run of positions or layers: one by itself, or several folded. Both ends belong to it. */
export interface Span {
  first: number;
  last: number;
  isFolded: boolean;
}

export interface FoldWishes {
  /** Spans there is room for; what must be kept may need more. */
  room: number;
  /** Kept whatever they carry: the target, what is selected, what was unfolded. */
  always: ReadonlySet<number>;
  /** What carries less than this is folded even where there is room. */
  floor: number;
}

/** Splits 0..n into spans: the strongest stand alone as far as there is room, runs of the others are folded. */
export function fold(strengths: ArrayLike<number>, { room, always, floor }: FoldWishes): Span[] {
  const n = strengths.length;
  const isKept = new Uint8Array(n);
  let kept = 0;
  let runs = n > 0 ? 1 : 0;
  const keep = (at: number, is: 0 | 1) => {
    const left = at > 0 && isKept[at - 1] === 0 ? 1 : 0;
    const right = at + 1 < n && isKept[at + 1] === 0 ? 1 : 0;
    isKept[at] = is;
    kept += is ? 1 : -1;
    // Out of the middle of a run comes one run more, out of a run of one, one less.
    runs += (is ? 1 : -1) * (left + right - 1);
  };
  for (const at of always) if (at >= 0 && at < n && isKept[at] === 0) keep(at, 1);
  const wishes = Array.from({ length: n }, (_, at) => at)
    .filter((at) => isKept[at] === 0 && (strengths[at] ?? 0) > floor)
    .sort((a, b) => (strengths[b] ?? 0) - (strengths[a] ?? 0) || a - b);
  // Keeping one more can need fewer spans, so the last count that fits is looked for among all.
  let fitting = 0;
  for (const [at, wish] of wishes.entries()) {
    keep(wish, 1);
    if (kept + runs <= room) fitting = at + 1;
  }
  for (const wish of wishes.slice(fitting)) keep(wish, 0);
  const spans: Span[] = [];
  for (let at = 0; at < n; at++) {
    const last = spans.at(-1);
    if (isKept[at] === 0 && last && isKept[at - 1] === 0) {
      last.last = at;
      // A run of one takes the room of a token: it is shown as one.
      last.isFolded = true;
    } else spans.push({ first: at, last: at, isFolded: false });
  }
  return spans;
}

/** Index of the span of each position. */
export function spanOf(spans: readonly Span[], n: number): Int32Array {
  const of = new Int32Array(n);
  for (const [index, span] of spans.entries()) of.fill(index, span.first, span.last + 1);
  return of;
}
