// The labels around the plot: which, where, how turned. Pure, for canvas and SVG alike.
// What must not live here: drawing, fonts' own measures.
import { legible } from "./frame";
import { embeddedFlows, layerLabel, targetLabel, tokenLabel, type Scene } from "./scene";

export interface AxisLabel {
  text: string;
  x: number;
  y: number;
  /** Radians, around its anchor. */
  angle: number;
  anchor: "start" | "middle" | "end";
  look: "strong" | "plain" | "quiet" | "target";
}

export const LABEL_SIZE = 11;
/** Room a line of text needs beside the next. */
const LEAST = 13;
/** Width of a character, at most, of the fonts in use. */
const CHARACTER = 6.6;

export function axisLabels(scene: Scene): AxisLabel[] {
  return [...tokenLabels(scene), ...layerLabels(scene), ...targetLabels(scene)];
}

function tokenLabels(scene: Scene): AxisLabel[] {
  const { layout, view, frame, tokens, target, numbers } = scene;
  const { isTurned } = layout;
  const offset = isTurned ? view.y : view.x;
  const places = layout.columns.map(({ span, at, strength }) => ({
    at: offset + at * view.k,
    // The target's own token is always told.
    strength: span.first <= target.position && target.position <= span.last ? Infinity : strength,
  }));
  const from = isTurned ? frame.top - 2 : frame.left - 2;
  const to = isTurned ? frame.height - frame.bottom + 2 : frame.width - frame.right + 2;
  const flows = numbers ? embeddedFlows(scene) : null;
  const most = layout.columns.reduce(
    (all, column) => (column.span.isFolded ? all : Math.max(all, column.strength)),
    0,
  );
  const room = layout.pitch * view.k;
  return legible(places, LEAST, from, to).map((at) => {
    const column = layout.columns[at];
    const place = places[at]?.at ?? 0;
    const span = column?.span ?? { first: 0, last: 0, isFolded: false };
    const number = span.isFolded ? undefined : flows?.get(span.first);
    const isFlat = !isTurned && room > (13 + (number ? 6 : 0)) * CHARACTER;
    const columns = isTurned ? Math.floor((frame.left - 10) / CHARACTER) - (number ? 6 : 0) : number ? 8 : 12;
    const text = tokenLabel(span, tokens, Math.max(3, columns)) + (number ? ` ${number}` : "");
    const strength = column?.strength ?? 0;
    const look = span.isFolded ? "quiet" : strength > most * 0.25 ? "strong" : "plain";
    if (isTurned)
      return { text, x: Math.max(frame.left, view.x) - 9, y: place, angle: 0, anchor: "end" as const, look };
    const y = Math.min(frame.height - frame.bottom, view.y + layout.height * view.k) + 11;
    return isFlat
      ? { text, x: place, y: y + 3, angle: 0, anchor: "middle" as const, look }
      : { text, x: place + 3, y, angle: -0.87, anchor: "end" as const, look };
  });
}

function layerLabels({ layout, view, frame }: Scene): AxisLabel[] {
  const { isTurned } = layout;
  const places = layout.rows.map(({ span, from, to }, at) => {
    const middle = (from + to) / 2;
    return {
      at: isTurned ? view.x + middle * view.k : view.y + (layout.height - middle) * view.k,
      // Folds first, for they need telling; then every fifth layer where not all fit.
      strength: (span.isFolded ? 4 : 0) + (span.first % 5 === 0 ? 2 : 1) - at * 1e-3,
    };
  });
  const from = isTurned ? frame.left : frame.top;
  const to = isTurned ? frame.width - frame.right : frame.height - frame.bottom;
  return legible(places, LEAST - 1, from, to).map((at) => {
    const row = layout.rows[at];
    const place = places[at]?.at ?? 0;
    const look = row?.span.isFolded === true ? ("quiet" as const) : ("plain" as const);
    const text = row ? layerLabel(row) : "";
    return isTurned
      ? {
          text,
          x: place + 3,
          y: Math.max(frame.top, view.y) - 8,
          angle: -0.87,
          anchor: "start" as const,
          look,
        }
      : { text, x: Math.max(frame.left, view.x) - 12, y: place, angle: 0, anchor: "end" as const, look };
  });
}

function targetLabels({ graph, layout, view, frame, target }: Scene): AxisLabel[] {
  const x = view.x + (layout.x[graph.top] ?? 0) * view.k;
  const y = view.y + (layout.y[graph.top] ?? 0) * view.k;
  const text = targetLabel(target);
  if (x < frame.left - 8 || x > frame.width - frame.right + 8) return [];
  if (y < frame.top - 8 || y > frame.height - frame.bottom + 8) return [];
  // In a turned picture it hangs under its node, for there is no room to the right.
  if (layout.isTurned) return [{ text, x: x + 7, y: y + 16, angle: 0, anchor: "end", look: "target" }];
  // At the right edge the label hangs to the left of its node.
  const width = text.length * CHARACTER;
  const anchor = x + width / 2 > frame.width - 2 ? "end" : x - width / 2 < 2 ? "start" : "middle";
  return [
    {
      text,
      x: anchor === "end" ? Math.min(frame.width - 4, x + 10) : x,
      y: y - 13,
      angle: 0,
      anchor,
      look: "target",
    },
  ];
}
