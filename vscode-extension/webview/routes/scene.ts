// Everything that is needed to draw the route graph once: what canvas and SVG both draw from.
// What must not live here: drawing, DOM.
import type { TableToken, Target } from "../../src/generated/protocol";
import type { Colours } from "../scales";
import { cut, token } from "../token_display";
import { flow } from "../display";
import type { Frame, View } from "./frame";
import type { Graph } from "./graph";
import type { Layout, Row } from "./layout";
import type { Shown } from "./shown";
import type { Span } from "./fold";

export interface Scene {
  graph: Graph;
  layout: Layout;
  shown: Shown;
  /** Colour slot of each edge. */
  slots: ArrayLike<number>;
  colours: Colours;
  frame: Frame;
  view: View;
  tokens: readonly TableToken[];
  target: Target;
  /** Numbers are printed beside what they belong to. */
  numbers: boolean;
}

/** `L23`; `L3–L11 ═` of layers in which nothing branches, `L3–L11 ⋯` where they were folded for want of room. */
export function layerLabel({ span: { first, last, isFolded }, branches }: Row): string {
  return isFolded ? `L${first}–L${last} ${branches ? "⋯" : "═"}` : `L${first}`;
}

/** A token as its axis shows it, or `⋯ 12` of a folded run. */
export function tokenLabel(span: Span, tokens: readonly TableToken[], columns = 13): string {
  if (span.isFolded) return `⋯ ${span.last - span.first + 1}`;
  return cut(tokens[span.first]?.display ?? "", columns);
}

/** What the top of the picture is labelled with: the token that is predicted. */
export function targetLabel(target: Target): string {
  return target.answer ? "answer" : cut(token(target.text), 13);
}

/** Flow that starts at a token's embedding, where it is on view. */
export function embeddedFlows(scene: Scene): Map<number, string> {
  const flows = new Map<number, string>();
  for (const [at, node] of scene.graph.nodes.entries())
    if (node.kind === "embed" && (scene.shown.marks[at] ?? 0) > 0) flows.set(node.position, flow(node.flow));
  return flows;
}
