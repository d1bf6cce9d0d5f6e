// The lines on view in groups of one look, weakest first, for whoever draws them: canvas or SVG. Pure.
// What must not live here: how they are drawn.
import type { Colours } from "../scales";
import type { Layout } from "./layout";
import { OTHER_HEAD, slotColour } from "./palette";
import { alphaOf, widthClass, widthOf, WIDTHS, type Shown } from "./shown";

export interface StrokeGroup {
  colour: string;
  width: number;
  alpha: number;
  /** Indices of its lines. */
  lines: number[];
}

const SLOTS = 8;

/** Groups of what is not residual stream, in drawing order: MLPs, attention; within each the strong over the weak. */
export function strokeGroups(
  layout: Layout,
  shown: Shown,
  slots: ArrayLike<number>,
  colours: Colours,
): StrokeGroup[] {
  const groups: (StrokeGroup | undefined)[] = [];
  for (const [at, line] of layout.lines.entries()) {
    const flow = shown.flows[at] ?? 0;
    if (flow <= 0 || line.kind === "residual") continue;
    const width = widthClass(line, flow, shown.widest);
    const isAttention = line.kind === "attention";
    const rank = isAttention ? 1 : 0;
    const slot = isAttention ? (slots[line.edges[0] ?? 0] ?? OTHER_HEAD) : 0;
    // Lines that stay at one token are capped narrower, so they are a group apart.
    const key = (((rank * WIDTHS + width) * SLOTS + slot) << 1) | (line.isLocal ? 0 : 1);
    const group = groups[key];
    if (group) {
      group.lines.push(at);
      continue;
    }
    groups[key] = {
      colour: isAttention ? slotColour(slot, colours) : colours.flow,
      width: widthOf(line, width, layout.grain),
      alpha: alphaOf(line, width),
      lines: [at],
    };
  }
  return groups.filter((group) => group !== undefined);
}

/** A stretch of the residual stream that has one look. */
export interface Trunk {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  width: number;
  alpha: number;
}

/** The residual stream on view, in as few stretches as it has looks: most of a graph's lines are here. */
export function trunksOf(layout: Layout, shown: Shown): Trunk[] {
  const trunks: Trunk[] = [];
  let open: Trunk | null = null;
  let look = -1;
  for (const at of layout.trunks) {
    const line = layout.lines[at];
    const flow = shown.flows[at] ?? 0;
    if (!line || flow <= 0) continue;
    const [x0, y0, , , x1, y1] = line.curve;
    const width = widthClass(line, flow, shown.widest);
    if (open && width === look && open.x1 === x0 && open.y1 === y0) {
      open.x1 = x1;
      open.y1 = y1;
      continue;
    }
    open = { x0, y0, x1, y1, width: widthOf(line, width, layout.grain), alpha: alphaOf(line, width) };
    look = width;
    trunks.push(open);
  }
  return trunks;
}
