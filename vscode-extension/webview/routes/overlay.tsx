// What is hovered, selected or pointed at, drawn over the canvas as SVG: few elements, renewed without touching the canvas.
// What must not live here: the picture itself (paint.ts), events.
import type { Layout } from "./layout";
import { strongestWay } from "./walk";
import type { Graph } from "./graph";
import type { Shown } from "./shown";

export interface OverlayProps {
  graph: Graph;
  layout: Layout;
  shown: Shown;
  /** Nodes: under the pointer, in focus, selected. */
  hovered: number | null;
  focused: number | null;
  selected: number | null;
  /** Lines: under the pointer, selected. */
  hoveredLine: number | null;
  selectedLine: number | null;
  /** The column that the pointer in the editor rests on. */
  column: number | null;
}

/** Lines lit up around a node: enough to see where it hangs, few enough to be told apart. */
const MOST_LINES = 24;

export function Overlay({ graph, layout, shown, ...marks }: OverlayProps) {
  const node = marks.hovered ?? marks.focused ?? marks.selected;
  const around = node === null ? [] : linesAround(graph, layout, shown, node);
  const way = node === null ? [] : strongestWay(graph, shown.count, node).map((at) => layout.lineOf[at] ?? 0);
  const column = marks.column === null ? undefined : layout.columns[marks.column];
  return (
    <>
      {column && (
        <rect
          class="limpid-lit-column"
          {...(layout.isTurned
            ? { x: 0, y: column.at - layout.pitch / 2, width: layout.width, height: layout.pitch }
            : { x: column.at - layout.pitch / 2, y: 0, width: layout.pitch, height: layout.height })}
        />
      )}
      {around.map((at) => (
        <path key={`a${at}`} class="limpid-lit-line" d={pathText(layout, at)} />
      ))}
      {way.map((at) => (
        <path key={`w${at}`} class="limpid-lit-way" d={pathText(layout, at)} />
      ))}
      {marks.selectedLine !== null && (
        <path class="limpid-selected-line" d={pathText(layout, marks.selectedLine)} />
      )}
      {marks.hoveredLine !== null && <path class="limpid-lit-way" d={pathText(layout, marks.hoveredLine)} />}
      {marks.selected !== null && <Ring layout={layout} node={marks.selected} name="limpid-selected-node" />}
      {marks.hovered !== null && <Ring layout={layout} node={marks.hovered} name="limpid-lit-node" />}
      {marks.focused !== null && <Ring layout={layout} node={marks.focused} name="limpid-focused-node" />}
    </>
  );
}

function Ring({ layout, node, name }: { layout: Layout; node: number; name: string }) {
  const radius = Math.min(7, layout.pitch * 0.32);
  return <circle class={name} cx={layout.x[node] ?? 0} cy={layout.y[node] ?? 0} r={radius} />;
}

function linesAround(graph: Graph, layout: Layout, shown: Shown, node: number): number[] {
  const places = [...(graph.below[node] ?? []), ...(graph.above[node] ?? [])];
  const onView = places.filter((at) => at < shown.count).sort((a, b) => a - b);
  return [...new Set(onView.map((at) => layout.lineOf[at] ?? 0))].slice(0, MOST_LINES);
}

/** A line as SVG writes it. */
export function pathText(layout: Layout, at: number): string {
  const line = layout.lines[at];
  if (!line) return "";
  const [x0, y0, ...rest] = line.curve.map((value) => Math.round(value * 10) / 10);
  return `M${x0 ?? 0} ${y0 ?? 0}Q${rest.join(" ")}`;
}
