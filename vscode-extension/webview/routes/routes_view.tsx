// The routes of one prediction: the slider and what it says, the graph or the table of the same rows, the legend of heads.
// What must not live here: drawing, pointers (stage.tsx), where data comes from.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LensView, Routes, TableToken, Target } from "../../src/generated/protocol";
import type { Selection } from "../messages";
import type { Notes } from "../notes/notes";
import { onTableKey, TableButton } from "../drawing/table_switch";
import { useRoom } from "../drawing/use_room";
import { frameOf, plotSize } from "./frame";
import { graphOf, stepThatShows } from "./graph";
import { layoutOf } from "./layout";
import { edgeSlots, headSlots } from "./palette";
import { RoutesLegend } from "./routes_legend";
import { RoutesTable } from "./routes_table";
import { FlowSlider } from "./slider";
import { emptyShown, show } from "./shown";
import { Stage } from "./stage";
import type { Surface } from "./surface";
import { positionsOf } from "./words";
import "../drawing/drawing.css";
import "./routes.css";

export interface RoutesViewProps {
  routes: Routes;
  tokens: readonly TableToken[];
  target: Target;
  selection: Selection | null;
  onSelect: (selection: Selection) => void;
  /** The pointer rests on a token; null: on none. */
  onPoint: (token: number | null) => void;
  /** The token that the pointer rests on elsewhere. */
  pointed: number | null;
  /** Share of the flow to show at first, 0..1. */
  mass: number;
  numbers: boolean;
  /** Less than 520 px: tokens top to bottom. */
  narrow: boolean;
  lens?: LensView;
  /** What components are called. */
  notes?: Notes;
  /** Hands over the canvas's surface, for saving the picture with `toSvg` and `toPng`. */
  onSurface?: (surface: Surface | null) => void;
}

export function RoutesView(props: RoutesViewProps) {
  const { routes, tokens, target, selection, mass, numbers, narrow, notes = NO_NOTES } = props;
  const box = useRef<HTMLDivElement>(null);
  const surface = useRef<Surface | null>(null);
  const graph = useMemo(() => graphOf(routes), [routes]);
  const [step, setStep] = useState(() => stepThatShows(graph.steps, mass));
  const [isTable, setIsTable] = useState(false);
  const toggle = () => setIsTable((is) => !is);
  const [unfolded, setUnfolded] = useState<Unfolded>(NOTHING);
  const { size, colours } = useRoom(box);

  useEffect(() => {
    setStep(stepThatShows(graph.steps, mass));
    setUnfolded(NOTHING);
  }, [graph, mass]);

  const count = graph.steps[Math.min(step, graph.steps.length - 1)]?.edges ?? 0;
  const frame = useMemo(() => frameOf(size.width, size.height, narrow, numbers), [size, narrow, numbers]);
  const needed = positionsOf(selection).join();
  const layout = useMemo(
    () =>
      layoutOf(graph, {
        ...plotSize(frame),
        isTurned: narrow,
        nTokens: tokens.length,
        count,
        keep: new Set([
          target.position,
          ...unfolded.positions,
          ...needed.split(",").filter(Boolean).map(Number),
        ]),
        unfoldedLayers: unfolded.layers,
      }),
    [graph, frame, narrow, tokens.length, count, target.position, unfolded, needed],
  );
  const heads = useMemo(() => headSlots(graph), [graph]);
  const slots = useMemo(() => edgeSlots(graph, heads), [graph, heads]);
  const shown = useMemo(() => show(emptyShown(graph, layout), graph, layout, count), [graph, layout, count]);

  return (
    <section class="limpid-routes" aria-label="Routes" onKeyDown={onTableKey(toggle)}>
      <div class="limpid-bar">
        <FlowSlider
          steps={graph.steps}
          step={step}
          onMove={(at) => surface.current?.setCount(graph.steps[at]?.edges ?? 0)}
          onRest={setStep}
        />
        <span class="limpid-buttons">
          {(unfolded.positions.size > 0 || unfolded.layers.size > 0) && (
            <button type="button" onClick={() => setUnfolded(NOTHING)}>
              Fold
            </button>
          )}
          {!isTable && (
            <button
              type="button"
              title="Show all of it (0, double-click)"
              onClick={() => surface.current?.fit()}
            >
              Fit
            </button>
          )}
          <TableButton isTable={isTable} onToggle={toggle} />
        </span>
      </div>
      <div class="limpid-room" ref={box}>
        {isTable ? (
          <RoutesTable
            {...{ graph, count, tokens, selection, notes }}
            onSelect={props.onSelect}
            onPoint={props.onPoint}
          />
        ) : (
          colours &&
          size.width > 0 && (
            <Stage
              {...{ graph, layout, shown, slots, colours, frame, tokens, target, selection, numbers }}
              pointed={props.pointed}
              lens={props.lens}
              notes={notes}
              onSelect={props.onSelect}
              onPoint={props.onPoint}
              onUnfold={(what) => setUnfolded((had) => unfoldedWith(had, what))}
              onSurface={(made) => {
                surface.current = made;
                props.onSurface?.(made);
              }}
            />
          )
        )}
      </div>
      {!isTable && (
        <RoutesLegend
          notes={notes}
          heads={heads.filter(({ slot }) => slots.indexOf(slot) >= 0 && slots.indexOf(slot) < count)}
        />
      )}
    </section>
  );
}

const NO_NOTES: Notes = {};

interface Unfolded {
  positions: ReadonlySet<number>;
  layers: ReadonlySet<number>;
}

const NOTHING: Unfolded = { positions: new Set(), layers: new Set() };

function unfoldedWith(had: Unfolded, what: { positions: number[] } | { layers: number[] }): Unfolded {
  return "positions" in what
    ? { ...had, positions: new Set([...had.positions, ...what.positions]) }
    : { ...had, layers: new Set([...had.layers, ...what.layers]) };
}
