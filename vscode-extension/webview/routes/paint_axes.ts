// Draws the axes' labels of a scene, and numbers beside its strongest lines, on a canvas.
// What must not live here: which labels stand where (axis_labels.ts, line_numbers.ts).
import { axisLabels, LABEL_SIZE, type AxisLabel } from "./axis_labels";
import { lineNumbers } from "./line_numbers";
import type { Pen } from "./paint";
import type { Scene } from "./scene";

export function paintAxes(pen: Pen, scene: Scene): void {
  const { colours } = scene;
  pen.textBaseline = "middle";
  for (const label of axisLabels(scene)) {
    pen.font = fontOf(label.look, colours.font);
    pen.fillStyle = label.look === "quiet" || label.look === "plain" ? colours.muted : colours.foreground;
    pen.textAlign = label.anchor === "middle" ? "center" : label.anchor;
    pen.save();
    pen.translate(label.x, label.y);
    pen.rotate(label.angle);
    pen.fillText(label.text, 0, 0);
    pen.restore();
  }
}

/** Numbers beside the strongest lines, where numbers are asked for. */
export function paintLineNumbers(pen: Pen, scene: Scene): void {
  const { colours } = scene;
  if (!scene.numbers) return;
  pen.textBaseline = "middle";
  pen.font = `10px ${colours.font}`;
  pen.textAlign = "center";
  for (const { text, x, y } of lineNumbers(scene)) {
    const width = pen.measureText(text).width + 4;
    pen.fillStyle = colours.background;
    pen.globalAlpha = 0.85;
    pen.fillRect(x - width / 2, y - 7, width, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = colours.foreground;
    pen.fillText(text, x, y);
  }
}

export function fontOf(look: AxisLabel["look"], family: string): string {
  const weight = look === "target" ? "600 " : look === "strong" ? "500 " : "";
  return `${weight}${look === "target" ? LABEL_SIZE + 1 : LABEL_SIZE}px ${family}`;
}
