// What of a layout is shown when the first so many edges are: flow and width of each line, size of each node. Pure, run once a frame.
// What must not live here: where anything stands (layout.ts), drawing (paint.ts, save.ts).
import type { Graph } from "./graph";
import type { Layout } from "./layout";
import type { Line } from "./lines";

/** What of the graph is on view. */
export interface Shown {
  count: number;
  /** Flow over each line. */
  flows: Float32Array;
  /** 1: an edge on view ends or starts at the node; 2: it branches there and is worth a mark. */
  marks: Uint8Array;
  /** Flow that has the widest line. */
  widest: number;
}

/** Of the widest line, what a line between tokens must carry for its ends to be marked: marks everywhere mark nothing. */
const NOTABLE = 0.04;

/** Classes of width: lines of one class and colour are drawn together. */
export const WIDTHS = 12;

/** A lasting object that a slider fills anew each frame without making garbage. */
export function emptyShown(graph: Graph, layout: Layout): Shown {
  return {
    count: 0,
    flows: new Float32Array(layout.lines.length),
    marks: new Uint8Array(graph.nodes.length),
    widest: widestOf(graph, layout),
  };
}

/** The most flow that one line between two columns can have; of a graph without any, the most beside the residual stream. */
function widestOf(graph: Graph, layout: Layout): number {
  let across = 0;
  let beside = 0;
  for (const line of layout.lines) {
    if (line.kind === "residual") continue;
    const flow = line.edges.reduce((sum, at) => sum + (graph.edges[at]?.flow ?? 0), 0);
    if (line.isLocal) beside = Math.max(beside, flow);
    else across = Math.max(across, flow);
  }
  return across || beside || 1;
}

export function show(shown: Shown, graph: Graph, layout: Layout, count: number): Shown {
  const { flows, marks } = shown;
  flows.fill(0);
  marks.fill(0);
  shown.count = Math.min(count, graph.edges.length);
  for (let at = 0; at < shown.count; at++) {
    const edge = graph.edges[at];
    const line = layout.lineOf[at] ?? 0;
    if (!edge) continue;
    flows[line] = (flows[line] ?? 0) + edge.flow;
    const isAcross = edge.kind === "attention" && layout.lines[line]?.isLocal === false;
    const branches = isAcross && edge.flow > shown.widest * NOTABLE ? 2 : 1;
    marks[edge.from] = Math.max(marks[edge.from] ?? 0, branches);
    marks[edge.to] = Math.max(marks[edge.to] ?? 0, branches);
  }
  return shown;
}

/** Class of width, 0..WIDTHS - 1, of a line. */
export function widthClass(line: Line, flow: number, widest: number): number {
  const share = line.kind === "residual" ? Math.min(1, flow) : Math.min(1, flow / widest);
  return Math.min(WIDTHS - 1, Math.floor(share * WIDTHS));
}

/** Width in pixels of a class: as much as there is flow, but for the residual stream, which is always thin. */
export function widthOf(line: Pick<Line, "kind" | "isLocal">, width: number, grain: number): number {
  const share = (width + 0.5) / WIDTHS;
  if (line.kind === "residual") return 0.8 + 1.4 * share;
  // The MLP's square tells its flow; its arms need only be seen.
  if (line.kind !== "attention") return 1;
  // The weakest, which are most, are hairlines: browsers draw those several times as fast.
  if (width === 0) return 1;
  const own = 0.7 + (Math.min(10, grain * 0.55) - 0.7) * share;
  return line.isLocal ? Math.min(own, 4, grain * 0.16) : own;
}

/** Weak lines recede, so that the eye meets the strong ones first. */
export function alphaOf(line: Pick<Line, "kind">, width: number): number {
  const share = (width + 0.5) / WIDTHS;
  if (line.kind === "residual") return 0.3 + 0.5 * share;
  return Math.min(1, 0.22 + 0.85 * Math.sqrt(share));
}

/** Radius of a residual node's mark. */
export function radiusOf(flow: number, grain: number): number {
  return Math.min(1.4 + 2.6 * Math.sqrt(flow), grain * 0.2);
}

/** Half the side of an MLP's square. */
export function halfSideOf(flow: number, grain: number): number {
  return Math.min(1.2 + 7 * Math.sqrt(flow), grain * 0.22);
}
