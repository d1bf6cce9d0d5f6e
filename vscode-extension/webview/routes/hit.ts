// What of a layout lies under a point: a grid over the plot that knows which nodes and lines pass through each cell. Pure.
// What must not live here: pointers, zooming: points are the layout's own.
import type { Layout } from "./layout";
import type { Shown } from "./shown";

export type Hit = { node: number } | { line: number };

export interface HitIndex {
  /** The nearest node, else line, on view within `reach` of a point. */
  at(x: number, y: number, reach: number, shown: Shown): Hit | null;
}

const CELL = 24;
/** Pieces a curve is cut into: enough that none strays a pixel from it in this picture. */
const PIECES = 16;

export function hitIndex(layout: Layout): HitIndex {
  const across = Math.max(1, Math.ceil(layout.width / CELL));
  const down = Math.max(1, Math.ceil(layout.height / CELL));
  const nodes: number[][] = Array.from({ length: across * down }, () => []);
  const lines: number[][] = Array.from({ length: across * down }, () => []);
  const cell = (x: number, y: number) =>
    Math.min(down - 1, Math.max(0, Math.floor(y / CELL))) * across +
    Math.min(across - 1, Math.max(0, Math.floor(x / CELL)));

  for (let node = 0; node < layout.x.length; node++)
    nodes[cell(layout.x[node] ?? 0, layout.y[node] ?? 0)]?.push(node);
  for (const [at, line] of layout.lines.entries()) {
    // A piece may be longer than a cell, so points are taken along it as well.
    const points = polyline(line.curve, PIECES);
    for (let piece = 0; piece < PIECES; piece++) {
      const [x0, y0, x1, y1] = points.slice(piece * 2, piece * 2 + 4) as [number, number, number, number];
      const stops = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / (CELL / 2)));
      for (let stop = 0; stop <= stops; stop++) {
        const bucket = lines[cell(x0 + ((x1 - x0) * stop) / stops, y0 + ((y1 - y0) * stop) / stops)];
        if (bucket?.at(-1) !== at) bucket?.push(at);
      }
    }
  }

  const near = (buckets: readonly number[][], x: number, y: number, reach: number) => {
    const found = new Set<number>();
    for (let top = y - reach; top <= y + reach + CELL; top += CELL)
      for (let left = x - reach; left <= x + reach + CELL; left += CELL)
        for (const at of buckets[cell(Math.min(left, x + reach), Math.min(top, y + reach))] ?? [])
          found.add(at);
    return found;
  };

  return {
    at(x, y, reach, shown) {
      let best: Hit | null = null;
      let nearest = reach;
      let flow = -1;
      for (const node of near(nodes, x, y, reach)) {
        const distance = Math.hypot((layout.x[node] ?? 0) - x, (layout.y[node] ?? 0) - y);
        if ((shown.marks[node] ?? 0) === 0 || distance > nearest) continue;
        nearest = distance;
        best = { node };
      }
      if (best) return best;
      nearest = reach;
      for (const at of near(lines, x, y, reach)) {
        const line = layout.lines[at];
        const own = shown.flows[at] ?? 0;
        if (!line || own <= 0) continue;
        const distance = distanceTo(line.curve, x, y);
        // Lines that cross under the pointer are equally near: the strongest is meant.
        if (distance > reach || (distance > nearest - 1 && own <= flow)) continue;
        nearest = Math.min(nearest, distance);
        flow = own;
        best = { line: at };
      }
      return best;
    },
  };
}

/** Points along a curve: x, y, x, y, … */
export function polyline(curve: readonly number[], pieces: number): number[] {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = curve;
  const points: number[] = [];
  for (let piece = 0; piece <= pieces; piece++) {
    const t = piece / pieces;
    const s = 1 - t;
    points.push(s * s * x0 + 2 * s * t * x1 + t * t * x2, s * s * y0 + 2 * s * t * y1 + t * t * y2);
  }
  return points;
}

function distanceTo(curve: readonly number[], x: number, y: number): number {
  const points = polyline(curve, PIECES);
  let nearest = Infinity;
  for (let at = 0; at + 3 < points.length; at += 2) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = points.slice(at, at + 4);
    const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const t = length > 0 ? ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length : 0;
    const along = Math.min(1, Math.max(0, t));
    nearest = Math.min(nearest, Math.hypot(x0 + (x1 - x0) * along - x, y0 + (y1 - y0) * along - y));
  }
  return nearest;
}
