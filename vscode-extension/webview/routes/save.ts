// The route graph as a picture to keep: SVG text, and PNG by way of a canvas. What it shows is what is on view.
// What must not live here: writing files (the home does).
import { axisLabels, LABEL_SIZE } from "./axis_labels";
import { lineNumbers } from "./line_numbers";
import { pathText } from "./overlay";
import { paint, thicknessOf } from "./paint";
import type { Scene } from "./scene";
import { halfSideOf, radiusOf } from "./shown";
import { strokeGroups, trunksOf } from "./strokes";

/** The scene as an SVG document. All text is escaped: tokens may hold anything. */
export function toSvg(scene: Scene): string {
  const { frame, view, layout, colours } = scene;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${n(frame.width)}" height="${n(frame.height)}" ` +
      `viewBox="0 0 ${n(frame.width)} ${n(frame.height)}" font-family="${escaped(colours.font)}">`,
    `<rect width="100%" height="100%" fill="${escaped(colours.background)}"/>`,
    `<clipPath id="plot"><rect x="${n(frame.left - 9)}" y="${n(frame.top - 9)}" ` +
      `width="${n(Math.max(0, frame.width - frame.left - frame.right + 18))}" ` +
      `height="${n(Math.max(0, frame.height - frame.top - frame.bottom + 18))}"/></clipPath>`,
    `<g clip-path="url(#plot)"><g transform="translate(${n(view.x)},${n(view.y)}) scale(${view.k})">`,
    ...bands(scene),
  ];
  const thickness = thicknessOf(view.k);
  for (const { x0, y0, x1, y1, width, alpha } of trunksOf(layout, scene.shown))
    parts.push(
      `<path d="M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}" stroke="${escaped(colours.residual)}" ` +
        `stroke-width="${n(width * thickness)}" stroke-opacity="${n(alpha)}"/>`,
    );
  for (const group of strokeGroups(layout, scene.shown, scene.slots, colours)) {
    const path = group.lines.map((at) => pathText(layout, at)).join("");
    parts.push(
      `<path d="${path}" fill="none" stroke="${escaped(group.colour)}" ` +
        `stroke-width="${n(group.width * thickness)}" stroke-opacity="${n(group.alpha)}"/>`,
    );
  }
  parts.push(...nodeMarks(scene, thickness), "</g></g>");
  for (const { text, x, y, angle, anchor, look } of axisLabels(scene)) {
    const colour = look === "quiet" || look === "plain" ? colours.muted : colours.foreground;
    const weight = look === "target" ? ' font-weight="600"' : look === "strong" ? ' font-weight="500"' : "";
    const turned = angle === 0 ? "" : ` rotate(${n((angle * 180) / Math.PI)})`;
    parts.push(
      `<text transform="translate(${n(x)},${n(y)})${turned}" dy="0.35em" font-size="${LABEL_SIZE}"${weight} ` +
        `text-anchor="${anchor}" fill="${escaped(colour)}" xml:space="preserve">${escaped(text)}</text>`,
    );
  }
  if (scene.numbers)
    for (const { text, x, y } of lineNumbers(scene))
      parts.push(
        `<text x="${n(x)}" y="${n(y)}" dy="0.35em" font-size="10" text-anchor="middle" fill="${escaped(colours.foreground)}" ` +
          `stroke="${escaped(colours.background)}" stroke-width="3" paint-order="stroke">${escaped(text)}</text>`,
      );
  parts.push("</svg>");
  return parts.join("\n");
}

/** The scene as a PNG, base64 without a prefix, `density` pixels to a CSS pixel. */
export async function toPng(scene: Scene, density = 2): Promise<string> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(scene.frame.width * density);
  canvas.height = Math.round(scene.frame.height * density);
  const pen = canvas.getContext("2d", { alpha: false });
  if (!pen) throw new Error("this window has no canvas to draw the picture on");
  paint(pen, scene, density);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the picture is too large to be saved as PNG");
  const bytes = new Uint8Array(await blob.arrayBuffer());
  // In pieces: a call takes only so many arguments.
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

function bands({ layout, colours }: Scene): string[] {
  const { isTurned, width, height, rows, columns, pitch } = layout;
  const rect = (x: number, y: number, w: number, h: number) =>
    `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${escaped(colours.grid)}"/>`;
  const parts: string[] = [];
  for (const { span, from, to } of rows) {
    const [start, end] = span.isFolded
      ? [from + (to - from) * 0.2, to - (to - from) * 0.2]
      : [from - 0.5, from + 0.5];
    parts.push(isTurned ? rect(start, 0, end - start, height) : rect(0, height - end, width, end - start));
  }
  for (const { span, at } of columns)
    if (span.isFolded)
      parts.push(
        isTurned
          ? rect(0, at - pitch * 0.2, width, pitch * 0.4)
          : rect(at - pitch * 0.2, 0, pitch * 0.4, height),
      );
  return parts;
}

function nodeMarks({ graph, layout, shown, colours }: Scene, thickness: number): string[] {
  const squares: string[] = [];
  const rounds: string[] = [];
  for (const [at, node] of graph.nodes.entries()) {
    const mark = shown.marks[at] ?? 0;
    if (mark === 0 || layout.columns[layout.columnOf[node.position] ?? 0]?.span.isFolded === true) continue;
    const x = layout.x[at] ?? 0;
    const y = layout.y[at] ?? 0;
    if (node.kind === "mlp") {
      const half = halfSideOf(node.flow, layout.grain) * thickness;
      squares.push(`M${n(x - half)} ${n(y - half)}h${n(2 * half)}v${n(2 * half)}h${n(-2 * half)}z`);
    } else if (mark === 2 || node.kind === "embed")
      rounds.push(
        `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radiusOf(node.flow, layout.grain) * thickness)}"/>`,
      );
  }
  const top = `<circle cx="${n(layout.x[graph.top] ?? 0)}" cy="${n(layout.y[graph.top] ?? 0)}" r="${n(5 * thickness)}"/>`;
  return [
    `<path d="${squares.join("")}" fill="${escaped(colours.flow)}"/>`,
    `<g fill="${escaped(colours.background)}" stroke="${escaped(colours.several)}" ` +
      `stroke-width="${n(1.2 * thickness)}">${rounds.join("")}</g>`,
    `<g fill="${escaped(colours.several)}">${top}</g>`,
  ];
}

/** A number as SVG writes it, to a hundredth. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

const ESCAPES: Partial<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is safe in XML: escaped, and without the controls that XML cannot hold at all. */
export function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}
