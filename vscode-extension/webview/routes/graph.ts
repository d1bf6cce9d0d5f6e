// The route graph made ready for drawing: edges strongest first, what stands above and below each node, the steps of the slider.
// What must not live here: where anything is drawn (layout.ts), colours (palette.ts).
import type { RouteEdge, RouteNode, RouteStep, Routes } from "../../src/generated/protocol";

export interface Graph {
  /** By their number. */
  nodes: readonly RouteNode[];
  /** Strongest first. */
  edges: readonly RouteEdge[];
  /** Rising: what the first so many edges show. Never empty. */
  steps: readonly RouteStep[];
  /** Layers of the model that the graph reaches. */
  nLayers: number;
  /** Places of the edges that enter each node from below, strongest first. */
  below: readonly (readonly number[])[];
  /** Places of the edges that leave each node upwards, strongest first. */
  above: readonly (readonly number[])[];
  /** The node everything flows to. */
  top: number;
}

export function graphOf(routes: Routes): Graph {
  const { nodes } = routes;
  const isSorted = routes.edges.every(
    (edge, at) => at === 0 || (routes.edges[at - 1]?.flow ?? 0) >= edge.flow,
  );
  // The daemon sorts where it is asked for `max_edges`; a saved inspection holds them in the order they were grown.
  const edges = isSorted || routes.steps ? routes.edges : [...routes.edges].sort((a, b) => b.flow - a.flow);
  const below: number[][] = nodes.map(() => []);
  const above: number[][] = nodes.map(() => []);
  for (const [at, edge] of edges.entries()) {
    below[edge.to]?.push(at);
    above[edge.from]?.push(at);
  }
  const nLayers = nodes.reduce((most, node) => Math.max(most, node.kind === "embed" ? 0 : node.layer + 1), 0);
  const top = nodes.reduce((best, node, at) => (heightOf(node) >= heightOf(nodes[best]) ? at : best), 0);
  const steps = routes.steps?.length ? routes.steps : stepsOf(nodes, edges, above, top, routes.shown);
  return { nodes, edges, steps, nLayers, below, above, top };
}

/** A node's place on the way up, in layers: the embedding at 0, the residual stream after block L at L + 1. */
export function heightOf(node: RouteNode | undefined): number {
  if (!node) return -1;
  // Attention reaches across tokens and gets most of a layer's height; the MLP stays in its column.
  const within = { embed: -node.layer, resid_mid: 0.62, mlp: 0.81, resid_post: 1 }[node.kind];
  return node.layer + within;
}

/** Most steps that are worked out here; the daemon's own may be more. */
const STEPS = 40;

/** Stands in for the daemon's steps in files made without: how much of the flow reaches the tokens over the first so many edges. */
function stepsOf(
  nodes: readonly RouteNode[],
  edges: readonly RouteEdge[],
  above: readonly (readonly number[])[],
  top: number,
  shown: number,
): RouteStep[] {
  const order = nodes.map((_, at) => at).sort((a, b) => heightOf(nodes[b]) - heightOf(nodes[a]));
  const reached = (count: number) => {
    const mass = new Float64Array(nodes.length);
    mass[top] = 1;
    let sum = 0;
    for (const at of order) {
      for (const place of above[at] ?? []) {
        const edge = edges[place];
        const upper = edge ? (nodes[edge.to]?.flow ?? 0) : 0;
        // By flows: the contribution of an MLP's input is told as a share of the residual stream above both.
        if (edge && place < count && upper > 0)
          mass[at] = (mass[at] ?? 0) + ((mass[edge.to] ?? 0) * edge.flow) / upper;
      }
      if (nodes[at]?.kind === "embed") sum += mass[at] ?? 0;
    }
    return sum;
  };
  const counts = new Set<number>();
  for (let step = 1; step <= STEPS; step++) counts.add(Math.round((edges.length * step) / STEPS));
  const steps = [...counts]
    .filter((count) => count > 0)
    .map((count) => ({ edges: count, shown: reached(count) }));
  const last = steps.at(-1)?.shown ?? 0;
  // The daemon's figure for all of them is the true one; ours differs from it by rounding alone.
  for (const step of steps) step.shown = last > 0 ? Math.min(1, (step.shown / last) * shown) : 0;
  return steps.length ? steps : [{ edges: 0, shown }];
}

/** The first step that shows a share of the flow; the last one where none does. */
export function stepThatShows(steps: readonly RouteStep[], share: number): number {
  const at = steps.findIndex((step) => step.shown >= share);
  return at < 0 ? steps.length - 1 : at;
}

/** The edge a walk follows: the strongest among those shown. */
export function strongest(places: readonly number[] | undefined, count: number): number | null {
  const first = places?.[0];
  return first !== undefined && first < count ? first : null;
}
