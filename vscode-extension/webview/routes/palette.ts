// Which colour an attention edge gets: that of the head that dominates it. The colours themselves are in scales.css.
// What must not live here: drawing.
import type { RouteEdge } from "../../src/generated/protocol";
import type { Colours } from "../scales";
import type { Graph } from "./graph";

/** Heads with a colour of their own; more could not be told apart by everyone. */
export const HEAD_COLOURS = 6;
/** Slot of an attention edge that one head dominates, but none of those with a colour of their own. */
export const OTHER_HEAD = HEAD_COLOURS;
/** Slot of an attention edge that no head dominates. */
export const SEVERAL_HEADS = HEAD_COLOURS + 1;

export interface HeadSlot {
  layer: number;
  head: number;
  slot: number;
}

/** The head that brought more than half of an edge; null: none did. */
export function dominantHead(edge: RouteEdge): number | null {
  const sum = edge.heads.reduce((all, head) => all + head.contribution, 0);
  const first = edge.heads[0];
  return first && sum > 0 && first.contribution > sum / 2 ? first.head : null;
}

/** The heads that get a colour: those that dominate most flow between tokens, strongest first. */
export function headSlots(graph: Graph): HeadSlot[] {
  const flows = new Map<string, { layer: number; head: number; flow: number }>();
  for (const edge of graph.edges) {
    const head = edge.kind === "attention" ? dominantHead(edge) : null;
    const upper = graph.nodes[edge.to];
    if (head === null || !upper || graph.nodes[edge.from]?.position === upper.position) continue;
    const key = `${upper.layer}.${head}`;
    const row = flows.get(key) ?? { layer: upper.layer, head, flow: 0 };
    row.flow += edge.flow;
    flows.set(key, row);
  }
  const rows = [...flows.values()].sort((a, b) => b.flow - a.flow || a.layer - b.layer || a.head - b.head);
  const isTaken = new Uint8Array(HEAD_COLOURS);
  return rows.slice(0, HEAD_COLOURS).map(({ layer, head }) => {
    // By name first, so that a head mostly keeps its colour from one prompt to the next.
    let slot = (layer * 7 + head * 3) % HEAD_COLOURS;
    while (isTaken[slot] === 1) slot = (slot + 1) % HEAD_COLOURS;
    isTaken[slot] = 1;
    return { layer, head, slot };
  });
}

/** Slot of each edge's colour; of one that is not attention, that of several heads. */
export function edgeSlots(graph: Graph, slots: readonly HeadSlot[]): Uint8Array {
  const byHead = new Map(slots.map(({ layer, head, slot }) => [`${layer}.${head}`, slot]));
  return Uint8Array.from(graph.edges, (edge) => {
    const head = edge.kind === "attention" ? dominantHead(edge) : null;
    if (head === null) return SEVERAL_HEADS;
    return byHead.get(`${graph.nodes[edge.to]?.layer ?? -1}.${head}`) ?? OTHER_HEAD;
  });
}

/** The concrete colour of a slot. */
export function slotColour(slot: number, colours: Colours): string {
  const names = ["head-1", "head-2", "head-3", "head-4", "head-5", "head-6", "other", "several"] as const;
  return colours[names[slot] ?? "several"];
}
