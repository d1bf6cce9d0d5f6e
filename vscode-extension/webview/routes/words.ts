// What nodes and edges of the route graph are called, for tooltips, the table and screen readers; and what choosing one selects.
// What must not live here: drawing.
import type { EdgeHead, LensView, RouteEdge, RouteNode, TableToken } from "../../src/generated/protocol";
import type { Selection } from "../messages";
import type { Notes } from "../notes/notes";
import { flow, headName, probability } from "../display";
import { token } from "../token_display";
import type { Graph } from "./graph";

/** `·France, after L23`. */
export function nodeName(node: RouteNode | undefined, tokens: readonly TableToken[]): string {
  if (!node) return "";
  const place = {
    embed: "embedding",
    resid_mid: `L${node.layer} after attention`,
    mlp: `MLP of L${node.layer}`,
    resid_post: `after L${node.layer}`,
  }[node.kind];
  return `${tokens[node.position]?.display ?? `#${node.position}`}, ${place}`;
}

const KINDS = {
  attention: "attention",
  residual: "residual stream",
  mlp_in: "into the MLP",
  mlp_out: "out of the MLP",
};

export function edgeKind(edge: RouteEdge): string {
  return KINDS[edge.kind];
}

/** `L23H8 24 %, L23H2 “copies names” 24 %`: shares of the edge. */
export function headsOf(edge: RouteEdge, layer: number, notes: Notes = {}, most = 3): string {
  const sum = edge.heads.reduce((all, head) => all + head.contribution, 0);
  const share = (head: EdgeHead) => flow(sum > 0 ? head.contribution / sum : 0);
  const named = edge.heads
    .slice(0, most)
    .map((head) => `${noted(headName(layer, head.head), notes)} ${share(head)}`);
  const rest = edge.heads.length - named.length;
  return named.join(", ") + (rest > 0 ? `, ${rest} more` : "");
}

/** A component's name with its note: `L23H2 “copies names”`. */
export function noted(component: string, notes: Notes): string {
  const note = notes[component];
  return note ? `${component} “${note}”` : component;
}

/** What the logit lens reads at a node: `→ ·Paris 43 %`; null where it is not read. */
export function lensAt(node: RouteNode, lens: LensView | undefined): string | null {
  const layer = node.kind === "embed" ? 0 : node.kind === "resid_post" ? node.layer + 1 : null;
  if (!lens || layer === null) return null;
  const cell = lens.lens[layer]?.[lens.positions.indexOf(node.position)];
  return cell ? `${token(cell.text)} ${probability(cell.prob)}` : null;
}

/** What a node is said to be when the keyboard reaches it. */
export function nodeSpoken(graph: Graph, at: number, count: number, tokens: readonly TableToken[]): string {
  const node = graph.nodes[at];
  const place = graph.below[at]?.[0];
  const edge = place !== undefined && place < count ? graph.edges[place] : undefined;
  const from = edge
    ? `; most comes by ${edgeKind(edge)} from ${nodeName(graph.nodes[edge.from], tokens)}`
    : "";
  return node ? `${nodeName(node, tokens)}; flow ${flow(node.flow)}${from}` : "";
}

export function selectNode({ kind, layer, position }: RouteNode): Selection {
  return kind === "mlp" ? { kind, layer, position } : { kind: "node", node: { kind, layer, position } };
}

export function selectEdge(graph: Graph, edge: RouteEdge): Selection | null {
  const id = (at: number) => {
    const node = graph.nodes[at];
    return node ? { kind: node.kind, layer: node.layer, position: node.position } : null;
  };
  const from = id(edge.from);
  const to = id(edge.to);
  return from && to ? { kind: "edge", from, to, edge: edge.kind } : null;
}

/** The node of the graph that a selection names, or that an edge of it ends at. */
export function selectedNode(graph: Graph, selection: Selection | null): number | null {
  if (!selection) return null;
  const is = (node: RouteNode, kind: string, layer: number, position: number | undefined) =>
    node.kind === kind && node.layer === layer && node.position === position;
  const find = (test: (node: RouteNode) => boolean) => {
    const at = graph.nodes.findIndex(test);
    return at < 0 ? null : at;
  };
  if (selection.kind === "node") {
    const { kind, layer, position } = selection.node;
    return find((node) => is(node, kind, layer, position));
  }
  if (selection.kind === "mlp") return find((node) => is(node, "mlp", selection.layer, selection.position));
  if (selection.kind === "edge") {
    const { kind, layer, position } = selection.to;
    return find((node) => is(node, kind, layer, position));
  }
  return null;
}

/** The edge of the graph that a selection names. */
export function selectedEdge(graph: Graph, selection: Selection | null): number | null {
  if (selection?.kind !== "edge") return null;
  const to = selectedNode(graph, selection);
  if (to === null) return null;
  const { kind, layer, position } = selection.from;
  const at = graph.below[to]?.find((place) => {
    const from = graph.nodes[graph.edges[place]?.from ?? -1];
    const isSame = from?.kind === kind && from.layer === layer && from.position === position;
    return isSame && graph.edges[place]?.kind === selection.edge;
  });
  return at ?? null;
}

/** Positions that must be seen for a selection to be. */
export function positionsOf(selection: Selection | null): number[] {
  if (!selection) return [];
  if (selection.kind === "node") return [selection.node.position];
  if (selection.kind === "edge") return [selection.from.position, selection.to.position];
  if (selection.kind === "position") return [selection.position];
  if (selection.kind === "mlp" && selection.position !== undefined) return [selection.position];
  return [];
}
