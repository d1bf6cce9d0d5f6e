// The route graph itself: canvas, overlay, tooltip; what pointer and keyboard do on it.
// What must not live here: the slider and the table around it (routes_view.tsx), drawing (paint.ts).
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LensView, TableToken, Target } from "../../src/generated/protocol";
import type { Selection } from "../messages";
import type { Notes } from "../notes/notes";
import type { Colours } from "../scales";
import { boxStyle } from "../drawing/box_style";
import type { Frame } from "./frame";
import type { Graph } from "./graph";
import type { Hit } from "./hit";
import type { Layout } from "./layout";
import { Overlay } from "./overlay";
import type { Shown } from "./shown";
import { Surface } from "./surface";
import { RouteTip } from "./tip";
import { nodeSpoken, selectedEdge, selectedNode, selectEdge, selectNode } from "./words";
import { walk, type Step } from "./walk";

export interface StageProps {
  graph: Graph;
  layout: Layout;
  shown: Shown;
  slots: Uint8Array;
  colours: Colours;
  frame: Frame;
  tokens: readonly TableToken[];
  target: Target;
  selection: Selection | null;
  pointed: number | null;
  numbers: boolean;
  lens?: LensView;
  notes: Notes;
  onSelect: (selection: Selection) => void;
  onPoint: (token: number | null) => void;
  onUnfold: (what: { positions: number[] } | { layers: number[] }) => void;
  /** Hands the canvas's other end to whoever moves the slider or saves the picture. */
  onSurface: (surface: Surface | null) => void;
}

interface Under {
  hit: Hit | null;
  x: number;
  y: number;
}

export function Stage(props: StageProps) {
  const { graph, layout, shown, slots, colours, frame, tokens, target, selection, numbers } = props;
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const axes = useRef<HTMLCanvasElement>(null);
  const plot = useRef<SVGGElement>(null);
  const surface = useRef<Surface | null>(null);
  // Several pictures may stand in one document.
  const clip = useId();
  const [under, setUnder] = useState<Under | null>(null);
  const [focused, setFocused] = useState<number | null>(null);
  const [isTold, setIsTold] = useState(true);

  useLayoutEffect(() => {
    if (!canvas.current || !axes.current || !stage.current) return;
    const made = new Surface(canvas.current, axes.current, stage.current, ({ x, y, k }) => {
      plot.current?.setAttribute("transform", `translate(${x},${y}) scale(${k})`);
      // A tip would stay behind; what it told of is elsewhere now.
      setIsTold(false);
    });
    surface.current = made;
    props.onSurface(made);
    return () => {
      made.destroy();
      props.onSurface(null);
    };
    // Once: the surface lives as long as its canvas.
  }, []);
  useLayoutEffect(() => {
    surface.current?.set({ graph, layout, shown, slots, colours, frame, tokens, target, numbers });
  }, [graph, layout, shown, slots, colours, frame, tokens, target, numbers]);
  useEffect(() => {
    setUnder(null);
    setFocused(null);
  }, [graph]);

  const selected = useMemo(() => selectedNode(graph, selection), [graph, selection]);
  const chosenEdge = useMemo(() => selectedEdge(graph, selection), [graph, selection]);
  const hovered = under?.hit && "node" in under.hit ? under.hit.node : null;
  const hoveredLine = under?.hit && "line" in under.hit ? under.hit.line : null;
  const column = props.pointed === null ? null : (layout.columnOf[props.pointed] ?? null);

  const pointAt = (event: PointerEvent | MouseEvent) => {
    const box = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const move = (event: PointerEvent) => {
    if (event.buttons !== 0) return;
    setIsTold(true);
    const { x, y } = pointAt(event);
    const hit = surface.current?.hit(x, y) ?? null;
    if (hit !== null || under?.hit) setUnder({ hit, x, y });
    const at = surface.current?.columnAt(x, y) ?? null;
    const span = at === null ? undefined : layout.columns[at]?.span;
    const token = span && !span.isFolded ? span.first : null;
    if (token !== props.pointed) props.onPoint(token);
  };
  const leave = () => {
    setUnder(null);
    props.onPoint(null);
  };
  const choose = (hit: Hit | null, x: number, y: number) => {
    const columnAt = surface.current?.columnAt(x, y) ?? null;
    const span = columnAt === null ? undefined : layout.columns[columnAt]?.span;
    const isInPlot = x >= frame.left && y <= frame.height - frame.bottom && y >= frame.top;
    if (hit && "line" in hit) {
      const edge = graph.edges[layout.lines[hit.line]?.edges[0] ?? -1];
      const what = edge && selectEdge(graph, edge);
      if (what) props.onSelect(what);
    } else if (span?.isFolded === true && (isInPlot || isTokenLabel(x, y)))
      props.onUnfold({ positions: range(span.first, span.last) });
    else if (hit) {
      const node = graph.nodes[hit.node];
      setFocused(hit.node);
      if (node) props.onSelect(selectNode(node));
    } else if (span && isTokenLabel(x, y)) props.onSelect({ kind: "position", position: span.first });
    else {
      const row = layout.rows[surface.current?.rowAt(x, y) ?? -1];
      if (row?.span.isFolded === true) props.onUnfold({ layers: range(row.span.first, row.span.last) });
    }
  };
  const isTokenLabel = (x: number, y: number) =>
    layout.isTurned ? x < frame.left - 4 : y > frame.height - frame.bottom + 4;

  const press = (event: KeyboardEvent) => {
    const step = stepOf(event.key, layout.isTurned);
    const at = focused ?? selected ?? graph.top;
    if (step) {
      const next = focused === null ? at : walk(graph, shown, at, step);
      setFocused(next);
      const node = graph.nodes[next];
      surface.current?.reveal(layout.x[next] ?? 0, layout.y[next] ?? 0);
      if (node) props.onPoint(node.position);
      setIsTold(true);
    } else if (event.key === "Enter" || event.key === " ") {
      const node = graph.nodes[at];
      if (node) props.onSelect(selectNode(node));
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      surface.current?.zoomBy(event.key === "-" ? 1 / 1.4 : 1.4);
      if (focused !== null) surface.current?.reveal(layout.x[focused] ?? 0, layout.y[focused] ?? 0);
    } else if (event.key === "0") surface.current?.fit();
    else return;
    event.preventDefault();
  };

  const tipNode = hovered ?? (under === null ? focused : null);
  return (
    <div
      ref={stage}
      class="limpid-stage"
      role="application"
      tabIndex={0}
      aria-roledescription="graph"
      aria-label={`Routes to the predicted token. Arrow keys walk along the strongest edges, Enter opens, plus, minus and 0 zoom, t shows a table of the same.`}
      onPointerMove={move}
      onPointerLeave={leave}
      onClick={(event) => {
        const { x, y } = pointAt(event);
        choose(surface.current?.hit(x, y) ?? null, x, y);
      }}
      onDblClick={() => surface.current?.fit()}
      onKeyDown={press}
      onFocus={() => {
        // By keyboard only: a click says itself what it means.
        if (stage.current?.matches(":focus-visible") === true)
          setFocused((at) => at ?? selected ?? graph.top);
      }}
      onBlur={() => setFocused(null)}
    >
      <canvas
        ref={canvas}
        aria-hidden="true"
        style={boxStyle({ width: frame.width, height: frame.height })}
      />
      <canvas ref={axes} aria-hidden="true" style={boxStyle({ width: frame.width, height: frame.height })} />
      <svg class="limpid-overlay" width={frame.width} height={frame.height} aria-hidden="true">
        <clipPath id={clip}>
          <rect
            x={frame.left - 9}
            y={frame.top - 9}
            width={Math.max(0, frame.width - frame.left - frame.right + 18)}
            height={Math.max(0, frame.height - frame.top - frame.bottom + 18)}
          />
        </clipPath>
        <g clip-path={`url(#${clip})`}>
          <g ref={plot}>
            <Overlay
              {...{ graph, layout, shown, hovered, selected, hoveredLine, column }}
              focused={focused}
              selectedLine={chosenEdge === null ? null : (layout.lineOf[chosenEdge] ?? null)}
            />
          </g>
        </g>
      </svg>
      <RouteTip
        {...{ graph, layout, shown, tokens, frame }}
        lens={props.lens}
        notes={props.notes}
        node={isTold ? tipNode : null}
        line={isTold ? hoveredLine : null}
        at={under?.hit ? under : placeOf(tipNode, layout, surface.current)}
      />
      <p class="limpid-spoken" aria-live="polite">
        {focused === null ? "" : nodeSpoken(graph, focused, shown.count, tokens)}
      </p>
    </div>
  );
}

/** Which way a key walks: in a turned picture layers run to the right. */
function stepOf(key: string, isTurned: boolean): Step | null {
  const upright: Partial<Record<string, Step>> = {
    ArrowDown: "down",
    ArrowUp: "up",
    ArrowLeft: "left",
    ArrowRight: "right",
  };
  const turned: Partial<Record<string, Step>> = {
    ArrowLeft: "down",
    ArrowRight: "up",
    ArrowUp: "left",
    ArrowDown: "right",
  };
  return (isTurned ? turned : upright)[key] ?? null;
}

function placeOf(
  node: number | null,
  layout: Layout,
  surface: Surface | null,
): { x: number; y: number } | null {
  const view = surface?.scene?.view;
  if (node === null || !view) return null;
  return { x: view.x + (layout.x[node] ?? 0) * view.k, y: view.y + (layout.y[node] ?? 0) * view.k };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
