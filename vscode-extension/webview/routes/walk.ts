// Walking the graph by keyboard: along the strongest edge up and down, and to neighbours at the same height. Pure.
// What must not live here: key names.
import { heightOf, strongest, type Graph } from "./graph";
import type { Shown } from "./shown";

export type Step = "down" | "up" | "left" | "right";

/** The node a step leads to; the same one where there is none. */
export function walk(graph: Graph, shown: Shown, at: number, step: Step): number {
  if (step === "down" || step === "up") {
    const place = strongest((step === "down" ? graph.below : graph.above)[at], shown.count);
    const edge = place === null ? undefined : graph.edges[place];
    return edge ? (step === "down" ? edge.from : edge.to) : at;
  }
  const height = heightOf(graph.nodes[at]);
  const position = graph.nodes[at]?.position ?? 0;
  let best = at;
  for (const [other, node] of graph.nodes.entries()) {
    if ((shown.marks[other] ?? 0) === 0 || heightOf(node) !== height) continue;
    const isOnSide = step === "left" ? node.position < position : node.position > position;
    const isNearer =
      best === at ||
      Math.abs(node.position - position) < Math.abs((graph.nodes[best]?.position ?? 0) - position);
    if (isOnSide && isNearer) best = other;
  }
  return best;
}

/** The strongest way from a node down to a token: places of its edges. */
export function strongestWay(graph: Graph, count: number, from: number): number[] {
  const way: number[] = [];
  let place = strongest(graph.below[from], count);
  while (place !== null) {
    way.push(place);
    place = strongest(graph.below[graph.edges[place]?.from ?? -1], count);
  }
  return way;
}
