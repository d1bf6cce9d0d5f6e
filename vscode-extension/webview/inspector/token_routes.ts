// What a token passes on and through what, read from the route graph.
// What must not live here: anything drawn.
import type { Routes } from "../../src/generated/protocol";

export interface Reader {
  layer: number;
  head: number;
  /** The token that reads. */
  position: number;
  /** Share of the prediction that went this way. */
  flow: number;
}

/** Heads that read a token's residual stream from later tokens, most flow first; one row a head and reading token. */
export function readersOf(routes: Routes, position: number): Reader[] {
  const readers = new Map<string, Reader>();
  for (const edge of routes.edges) {
    if (edge.kind !== "attention") continue;
    const from = routes.nodes[edge.from];
    const to = routes.nodes[edge.to];
    if (from?.position !== position || !to || to.position === position) continue;
    const whole = edge.heads.reduce((sum, { contribution }) => sum + contribution, 0);
    for (const { head, contribution } of edge.heads) {
      const flow = whole > 0 ? (edge.flow * contribution) / whole : 0;
      const key = `${to.layer} ${head} ${to.position}`;
      const known = readers.get(key);
      readers.set(key, {
        layer: to.layer,
        head,
        position: to.position,
        flow: (known?.flow ?? 0) + flow,
      });
    }
  }
  return [...readers.values()].sort((a, b) => b.flow - a.flow);
}
