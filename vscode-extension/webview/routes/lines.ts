// The lines of the picture: one an edge, or one for several edges between the same two folded places. Pure.
// What must not live here: where nodes stand (layout.ts), width and colour (shown.ts, palette.ts).
import type { EdgeKind, RouteEdge } from "../../src/generated/protocol";
import type { Span } from "./fold";
import type { Graph } from "./graph";

export interface Line {
  kind: EdgeKind;
  /** Whether it stays at one token: then it is drawn beside the residual stream. */
  isLocal: boolean;
  /** Places of its edges, strongest first. */
  edges: number[];
  /** Start, control point, end: quadratic, for browsers stroke those in half the time of cubic ones. */
  curve: readonly [number, number, number, number, number, number];
}

interface Places {
  x: Float32Array;
  y: Float32Array;
  columnOf: Int32Array;
  spans: readonly Span[];
  isTurned: boolean;
  /** How far what stays at one token bends aside. */
  bulge: number;
}

export function linesOf(
  graph: Graph,
  places: Places,
): { lines: Line[]; lineOf: Int32Array; trunks: number[] } {
  const lines: Line[] = [];
  const lineOf = new Int32Array(graph.edges.length);
  const folded = new Map<string, number>();
  for (const [at, edge] of graph.edges.entries()) {
    const key = foldedKey(graph, edge, places);
    const known = key === null ? undefined : folded.get(key);
    if (known !== undefined) {
      lineOf[at] = known;
      lines[known]?.edges.push(at);
      continue;
    }
    if (key !== null) folded.set(key, lines.length);
    lineOf[at] = lines.length;
    const isLocal = isSameColumn(graph, edge, places);
    lines.push({ kind: edge.kind, isLocal, edges: [at], curve: curveOf(edge, isLocal, places) });
  }
  return { lines, lineOf, trunks: trunksOf(lines, places.isTurned) };
}

/** Lines of the residual stream, token by token upwards: so that what looks alike can be drawn as one. */
function trunksOf(lines: readonly Line[], isTurned: boolean): number[] {
  const [along, up] = isTurned ? ([1, 0] as const) : ([0, 1] as const);
  const order = lines.map((_, at) => at).filter((at) => lines[at]?.kind === "residual");
  const sign = isTurned ? 1 : -1;
  return order.sort((a, b) => {
    const one = lines[a]?.curve;
    const other = lines[b]?.curve;
    if (!one || !other) return 0;
    return one[along] - other[along] || sign * (one[up] - other[up]);
  });
}

/** Names the place of an edge of which at least one end is in a folded column; null: it has a line of its own. */
function foldedKey(graph: Graph, edge: RouteEdge, { columnOf, spans }: Places): string | null {
  const from = graph.nodes[edge.from];
  const to = graph.nodes[edge.to];
  if (!from || !to) return null;
  const start = columnOf[from.position] ?? 0;
  const end = columnOf[to.position] ?? 0;
  if (spans[start]?.isFolded !== true && spans[end]?.isFolded !== true) return null;
  return `${edge.kind} ${start} ${from.kind} ${from.layer} ${end} ${to.kind} ${to.layer}`;
}

function isSameColumn(graph: Graph, edge: RouteEdge, { columnOf }: Places): boolean {
  const position = (node: number) => columnOf[graph.nodes[node]?.position ?? 0];
  return position(edge.from) === position(edge.to);
}

function curveOf(edge: RouteEdge, isLocal: boolean, { x, y, isTurned, bulge }: Places): Line["curve"] {
  const startX = x[edge.from] ?? 0;
  const startY = y[edge.from] ?? 0;
  const endX = x[edge.to] ?? 0;
  const endY = y[edge.to] ?? 0;
  // `along` the tokens' axis and `up` the layers' axis, so that a turned picture bends the same way.
  const [along0, up0, along1, up1] = isTurned ? [startY, startX, endY, endX] : [startX, startY, endX, endY];
  const rise = up1 - up0;
  const run = along1 - along0;
  let bend: [number, number];
  // The residual stream and the MLP's arms are straight.
  if (edge.kind !== "attention") bend = [(along0 + along1) / 2, (up0 + up1) / 2];
  else if (isLocal) bend = [along0 - 1.6 * bulge, up0 + rise * 0.5];
  // Leaves upwards, then heads for its end: lines that end together stay apart on their way.
  else bend = [along0 + run * 0.12, up0 + rise * 0.72];
  const [along, up] = bend;
  return isTurned ? [startX, startY, up, along, endX, endY] : [startX, startY, along, up, endX, endY];
}
