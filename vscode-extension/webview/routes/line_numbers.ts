// The numbers printed beside the strongest lines between tokens, as many as do not cover one another. Pure.
// What must not live here: drawing.
import { flow } from "../display";
import { polyline } from "./hit";
import type { Scene } from "./scene";

const MOST = 16;
/** A shorter line would vanish under its number. */
const SHORTEST = 64;

export function lineNumbers({ layout, shown, view, frame }: Scene): { text: string; x: number; y: number }[] {
  const strongest = layout.lines
    .map((line, at) => ({ line, flow: shown.flows[at] ?? 0 }))
    .filter(({ line, flow: own }) => own > 0 && line.kind === "attention" && !line.isLocal)
    .sort((a, b) => b.flow - a.flow)
    .slice(0, 2 * MOST);
  const printed: { text: string; x: number; y: number }[] = [];
  for (const { line, flow: own } of strongest) {
    const [x1, y1, , , x2, y2] = line.curve;
    if (Math.hypot(x2 - x1, y2 - y1) * view.k < SHORTEST) continue;
    // Nearer to its end than to its start, where fewer lines run together.
    const [, , , , x0 = 0, y0 = 0] = polyline(line.curve, 4);
    const x = view.x + x0 * view.k;
    const y = view.y + y0 * view.k;
    const isInside =
      x > frame.left && x < frame.width - frame.right && y > frame.top && y < frame.height - frame.bottom;
    if (!isInside || printed.some((other) => Math.abs(other.x - x) < 38 && Math.abs(other.y - y) < 15))
      continue;
    printed.push({ text: flow(own), x, y });
    if (printed.length === MOST) break;
  }
  return printed;
}
