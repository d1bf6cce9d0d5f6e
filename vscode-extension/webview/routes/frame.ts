// How the room of the route graph is shared between plot and axes, and which labels of an axis are legible side by side. Pure.
// What must not live here: canvas, DOM; the plot's inside (layout.ts).

/** Widths of the margins around the plot, CSS pixels. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function frameOf(width: number, height: number, isTurned: boolean, numbers = false): Frame {
  return isTurned
    ? {
        width,
        height,
        left: Math.min(96, width * 0.3),
        top: 58,
        right: 16,
        bottom: 24,
      }
    : { width, height, left: 72, top: 26, right: 18, bottom: numbers ? 96 : 74 };
}

export function plotSize({ width, height, left, top, right, bottom }: Frame): {
  width: number;
  height: number;
} {
  return { width: Math.max(1, width - left - right), height: Math.max(1, height - top - bottom) };
}

/** How a plot is moved and scaled on the screen, relative to the frame's upper left corner. */
export interface View {
  x: number;
  y: number;
  k: number;
}

/** The view that shows all of a plot, no larger than life, in the middle of the tokens' axis. */
export function fitted(frame: Frame, plot: { width: number; height: number }): View {
  const room = plotSize(frame);
  const k = Math.min(1, room.width / plot.width, room.height / plot.height);
  return {
    x: frame.left + (room.width - plot.width * k) / 2,
    y: frame.top + (room.height - plot.height * k) / 2,
    k,
  };
}

/** Picks the labels that can stand beside one another, the strongest first. */
export function legible(
  labels: readonly { at: number; strength: number }[],
  least: number,
  from: number,
  to: number,
): number[] {
  const order = labels
    .map((_, at) => at)
    .sort((a, b) => (labels[b]?.strength ?? 0) - (labels[a]?.strength ?? 0));
  const chosen: number[] = [];
  const taken = new Set<number>();
  for (const at of order) {
    const place = labels[at]?.at ?? 0;
    if (place < from || place > to) continue;
    const slot = Math.floor(place / least);
    const isFree = [slot - 1, slot, slot + 1].every((near) =>
      taken.has(near) ? chosen.every((other) => Math.abs((labels[other]?.at ?? 0) - place) >= least) : true,
    );
    if (!isFree) continue;
    taken.add(slot);
    chosen.push(at);
  }
  return chosen;
}
