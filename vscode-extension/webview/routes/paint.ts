// Draws a scene on a canvas: bands, lines, nodes. The axes are in paint_axes.ts.
// What must not live here: which lines, how wide, which colours; events.
import type { Layout } from "./layout";
import type { Scene } from "./scene";
import { halfSideOf, radiusOf } from "./shown";
import { strokeGroups, trunksOf } from "./strokes";
import { paintAxes, paintLineNumbers } from "./paint_axes";

/** What of `CanvasRenderingContext2D` is used. */
export type Pen = CanvasRenderingContext2D;

/** Draws all of a scene, for a picture that is kept. */
export function paint(pen: Pen, scene: Scene, density: number): void {
  paintPlot(pen, scene, density);
  paintAxes(pen, scene);
}

/** Draws the plot, and over all else the background: what changes while the slider moves. */
export function paintPlot(pen: Pen, scene: Scene, density: number): void {
  const { frame, view, colours, layout } = scene;
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.background;
  pen.fillRect(0, 0, frame.width, frame.height);
  pen.save();
  pen.beginPath();
  pen.rect(
    Math.round(frame.left - 5),
    Math.round(frame.top - 5),
    Math.round(frame.width - frame.left - frame.right + 10),
    Math.round(frame.height - frame.top - frame.bottom + 10),
  );
  pen.clip();
  pen.translate(view.x, view.y);
  pen.scale(view.k, view.k);
  paintBands(pen, scene);
  const thickness = thicknessOf(view.k);
  const alpha = (own: number) => (colours.isHighContrast ? Math.min(1, own + 0.25) : own);
  pen.fillStyle = colours.residual;
  for (const { x0, y0, x1, y1, width, alpha: own } of trunksOf(layout, scene.shown)) {
    pen.globalAlpha = alpha(own);
    const half = (width * thickness) / 2;
    // Rectangles, for they are upright or level and cost a tenth of a stroke.
    if (layout.isTurned) pen.fillRect(x0, y0 - half, x1 - x0, 2 * half);
    else pen.fillRect(x0 - half, y1, 2 * half, y0 - y1);
  }
  for (const group of strokeGroups(layout, scene.shown, scene.slots, colours)) {
    pen.strokeStyle = group.colour;
    pen.globalAlpha = alpha(group.alpha);
    pen.lineWidth = group.width > 1 ? group.width * thickness : 1 / view.k;
    pen.stroke(pathOf(layout, group.lines));
  }
  pen.globalAlpha = 1;
  paintNodes(pen, scene, thickness);
  pen.restore();
  paintLineNumbers(pen, scene);
}

/** How widths scale in a zoomed picture: less than the picture itself, for zooming in is for telling lines apart. */
export function thicknessOf(k: number): number {
  return Math.sqrt(k) / k;
}

function pathOf(layout: Layout, lines: readonly number[]): Path2D {
  const path = new Path2D();
  for (const at of lines) {
    const line = layout.lines[at];
    if (!line) continue;
    const [x0, y0, x1, y1, x2, y2] = line.curve;
    path.moveTo(x0, y0);
    if (line.kind === "attention") path.quadraticCurveTo(x1, y1, x2, y2);
    else path.lineTo(x2, y2);
  }
  return path;
}

/** Rows by turns a shade apart would be loud: a hairline between layers, a band where several are folded. */
function paintBands(pen: Pen, { layout, colours, view }: Scene): void {
  const { isTurned, width, height, rows, columns, pitch } = layout;
  const bar = (from: number, to: number) => {
    if (isTurned) pen.fillRect(from, 0, to - from, height);
    else pen.fillRect(0, height - to, width, to - from);
  };
  pen.fillStyle = colours.grid;
  const hairline = 1 / view.k;
  for (const { span, from, to } of rows) {
    if (span.isFolded) bar(from + (to - from) * 0.2, to - (to - from) * 0.2);
    else bar(from - hairline / 2, from + hairline / 2);
  }
  for (const { span, at } of columns) {
    if (!span.isFolded) continue;
    if (isTurned) pen.fillRect(0, at - pitch * 0.2, width, pitch * 0.4);
    else pen.fillRect(at - pitch * 0.2, 0, pitch * 0.4, height);
  }
}

function paintNodes(pen: Pen, scene: Scene, thickness: number): void {
  const { graph, layout, shown, colours } = scene;
  const rounds: number[] = [];
  pen.fillStyle = colours.flow;
  for (const [at, node] of graph.nodes.entries()) {
    const mark = shown.marks[at] ?? 0;
    if (mark === 0 || layout.columns[layout.columnOf[node.position] ?? 0]?.span.isFolded === true) continue;
    if (node.kind === "mlp") {
      const half = halfSideOf(node.flow, layout.grain) * thickness;
      pen.fillRect((layout.x[at] ?? 0) - half, (layout.y[at] ?? 0) - half, 2 * half, 2 * half);
    } else if (mark === 2 || node.kind === "embed") rounds.push(at);
  }
  // A disc on a disc, for a ring that is stroked costs several times as much.
  const radius = (at: number) => radiusOf(graph.nodes[at]?.flow ?? 0, layout.grain) * thickness;
  pen.fillStyle = colours.several;
  for (const at of rounds) dot(pen, scene, at, radius(at) + 0.6 * thickness);
  pen.fillStyle = colours.background;
  for (const at of rounds) dot(pen, scene, at, radius(at) - 0.6 * thickness);
  pen.fillStyle = colours.several;
  dot(pen, scene, graph.top, 5 * thickness);
}

/** One path each: browsers know a lone circle and draw it fast. */
function dot(pen: Pen, { layout }: Scene, node: number, radius: number): void {
  pen.beginPath();
  pen.arc(layout.x[node] ?? 0, layout.y[node] ?? 0, radius, 0, 2 * Math.PI);
  pen.fill();
}
