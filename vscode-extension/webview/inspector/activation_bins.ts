// Folds many activations into as many bars as can be told apart: each bar is the strongest of its tokens.
// What must not live here: anything drawn.

export interface Bin {
  /** The token whose activation it is. */
  position: number;
  value: number;
}

export function binned(activations: readonly number[], most: number): Bin[] {
  const size = Math.max(1, Math.ceil(activations.length / most));
  const bins: Bin[] = [];
  for (let start = 0; start < activations.length; start += size) {
    let best: Bin = { position: start, value: activations[start] ?? 0 };
    for (let position = start; position < Math.min(start + size, activations.length); position++) {
      const value = activations[position] ?? 0;
      if (Math.abs(value) > Math.abs(best.value)) best = { position, value };
    }
    bins.push(best);
  }
  return bins;
}
