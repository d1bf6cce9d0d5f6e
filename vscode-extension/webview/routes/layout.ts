// Where everything of the route graph stands: columns for tokens, rows for layers, nodes and the lines between them. Pure.
// What must not live here: canvas, DOM, colours; how much of a line is shown at the moment (shown.ts).
import { fold, spanOf, type Span } from "./fold";
import { heightOf, type Graph } from "./graph";
import { linesOf, type Line } from "./lines";

export interface LayoutWishes {
  /** Room of the plot without its axes, CSS pixels. */
  width: number;
  height: number;
  /** Tokens top to bottom and layers left to right, for a narrow panel. */
  isTurned: boolean;
  nTokens: number;
  /** Edges shown: what carries none of them is folded. */
  count: number;
  /** Positions that keep a column whatever they carry. */
  keep: ReadonlySet<number>;
  unfoldedLayers: ReadonlySet<number>;
}

/** A token's column, or that of a folded run. In a turned picture it lies on its side. */
export interface Column {
  span: Span;
  /** Its middle along the tokens' axis. */
  at: number;
  /** Most flow that passes through one of its nodes over edges shown. */
  strength: number;
}

/** A layer's row, or that of a folded run, along the layers' axis from the embedding. */
export interface Row {
  span: Span;
  /** Whether anything on view branches in it. */
  branches: boolean;
  from: number;
  to: number;
}

export interface Layout {
  isTurned: boolean;
  /** Size of the plot; larger than the room where more is kept than fits. */
  width: number;
  height: number;
  columns: Column[];
  /** Room of a column along the tokens' axis. */
  pitch: number;
  /** Room of a layer that is not folded. */
  rise: number;
  rows: Row[];
  /** Size that marks of nodes go by: what the closer of the two axes leaves them. */
  grain: number;
  /** Column of each position. */
  columnOf: Int32Array;
  /** Place of each node. */
  x: Float32Array;
  y: Float32Array;
  lines: Line[];
  /** Line of each edge. */
  lineOf: Int32Array;
  /** Lines of the residual stream, token by token upwards. */
  trunks: number[];
}

/** Least and most room along the tokens' axis for a token, and along the layers' axis for a layer. */
const ROOM = {
  upright: { token: 22, mostToken: 170, layer: 9, mostLayer: 64 },
  turned: { token: 17, mostToken: 40, layer: 8, mostLayer: 44 },
};
/** Of its least room, what a token has at ease; and the part of an even share of the flow below which it is weak. */
const EASE = 1.5;
const WEAK = 0.6;
/** Of a layer's room, what a folded run of layers gets. */
const FOLDED_ROW = 0.8;
/** Free room before the embedding and behind the last layer. */
const PADDING = 9;

export function layoutOf(graph: Graph, wishes: LayoutWishes): Layout {
  const { isTurned, nTokens } = wishes;
  const room = isTurned ? ROOM.turned : ROOM.upright;
  const alongTokens = Math.max(1, isTurned ? wishes.height : wishes.width);
  const alongLayers = Math.max(1, (isTurned ? wishes.width : wishes.height) - 2 * PADDING);

  const carried = strengthOfPositions(graph, wishes);
  const spans = fold(carried, {
    room: Math.floor(alongTokens / room.token),
    always: wishes.keep,
    // Where not all fit at ease, what carries much less than an even share makes room for what carries more.
    floor: nTokens * room.token * EASE <= alongTokens ? 0 : WEAK / nTokens,
  });
  const pitch = clamp(alongTokens / Math.max(1, spans.length), room.token, room.mostToken);
  const columns = spans.map((span, at) => ({
    span,
    at: (at + 0.5) * pitch,
    strength: largest(carried, span),
  }));
  const columnOf = spanOf(spans, nTokens);

  const branching = strengthOfLayers(graph, wishes.count);
  const layers = fold(branching, {
    room: Math.floor(alongLayers / room.layer),
    always: wishes.unfoldedLayers,
    floor: 0,
  });
  const shares = layers.map((span) => (span.isFolded ? FOLDED_ROW : 1));
  const rise = clamp(alongLayers / Math.max(1, sum(shares)), room.layer, room.mostLayer);
  let end = PADDING;
  const rows = layers.map((span, at) => {
    const from = end;
    end += rise * (shares[at] ?? 1);
    return { span, branches: largest(branching, span) > 0, from, to: end };
  });
  const tokensExtent = columns.length * pitch;
  const layersExtent = end + PADDING;

  const place = placer(rows, layersExtent, isTurned);
  const x = new Float32Array(graph.nodes.length);
  const y = new Float32Array(graph.nodes.length);
  const aside = Math.min(pitch * 0.3, 12);
  for (const [at, node] of graph.nodes.entries()) {
    const middle = columns[columnOf[node.position] ?? 0]?.at ?? 0;
    const point = place(middle + (node.kind === "mlp" ? aside : 0), heightOf(node));
    x[at] = point.x;
    y[at] = point.y;
  }
  const { lines, lineOf, trunks } = linesOf(graph, {
    x,
    y,
    columnOf,
    spans,
    isTurned,
    bulge: Math.min(pitch * 0.3, 9),
  });
  return {
    isTurned,
    width: isTurned ? layersExtent : tokensExtent,
    height: isTurned ? tokensExtent : layersExtent,
    columns,
    pitch,
    rise,
    rows,
    grain: Math.min(pitch, rise * 1.5),
    columnOf,
    x,
    y,
    lines,
    lineOf,
    trunks,
  };
}

/** Turns a place along the tokens and a height in layers into a point. */
function placer(rows: readonly Row[], extent: number, isTurned: boolean) {
  const starts: number[] = [];
  for (const row of rows) {
    const layers = row.span.last - row.span.first + 1;
    for (let layer = 0; layer < layers; layer++)
      starts.push(row.from + ((row.to - row.from) * layer) / layers);
  }
  starts.push(rows.at(-1)?.to ?? PADDING);
  const up = (height: number) => {
    const layer = Math.min(Math.floor(height), starts.length - 2);
    const from = starts[layer] ?? PADDING;
    return from + ((starts[layer + 1] ?? from) - from) * (height - layer);
  };
  return (along: number, height: number) =>
    isTurned ? { x: up(height), y: along } : { x: along, y: extent - up(height) };
}

/** Most flow over one edge at each position. */
function strengthOfPositions(graph: Graph, { count, nTokens }: LayoutWishes): Float32Array {
  const strengths = new Float32Array(nTokens);
  const raise = (position: number, flow: number) => {
    if (position < nTokens) strengths[position] = Math.max(strengths[position] ?? 0, flow);
  };
  for (const edge of graph.edges.slice(0, count)) {
    raise(graph.nodes[edge.from]?.position ?? 0, edge.flow);
    raise(graph.nodes[edge.to]?.position ?? 0, edge.flow);
  }
  return strengths;
}

/** Most flow over one edge of each layer that is not plain residual stream: 0 where nothing branches. */
function strengthOfLayers(graph: Graph, count: number): Float32Array {
  const strengths = new Float32Array(graph.nLayers);
  for (const edge of graph.edges.slice(0, count)) {
    const layer = graph.nodes[edge.to]?.layer ?? 0;
    if (edge.kind !== "residual") strengths[layer] = Math.max(strengths[layer] ?? 0, edge.flow);
  }
  return strengths;
}

function largest(values: Float32Array, { first, last }: Span): number {
  return values.subarray(first, last + 1).reduce((most, value) => Math.max(most, value), 0);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
