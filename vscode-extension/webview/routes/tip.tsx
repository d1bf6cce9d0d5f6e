// What is told of the node or line under the pointer or in focus.
// What must not live here: finding it (hit.ts), names (words.ts).
import type { LensView, TableToken } from "../../src/generated/protocol";
import { flow } from "../display";
import { mlpName, type Notes } from "../notes/notes";
import type { Frame } from "./frame";
import type { Graph } from "./graph";
import type { Layout } from "./layout";
import type { Shown } from "./shown";
import { edgeKind, headsOf, lensAt, nodeName } from "./words";

export interface RouteTipProps {
  graph: Graph;
  layout: Layout;
  shown: Shown;
  tokens: readonly TableToken[];
  frame: Frame;
  lens: LensView | undefined;
  notes: Notes;
  node: number | null;
  line: number | null;
  /** Where it points to on the stage. */
  at: { x: number; y: number } | null;
}

export function RouteTip(props: RouteTipProps) {
  const { frame, at } = props;
  if (!at || (props.node === null && props.line === null)) return null;
  // On the side where there is more room, so that it never leaves the stage.
  const isRight = at.x < frame.width / 2;
  const isBelow = at.y < frame.height / 2;
  const place = {
    [isRight ? "left" : "right"]: `${(isRight ? at.x : frame.width - at.x) + 12}px`,
    [isBelow ? "top" : "bottom"]: `${(isBelow ? at.y : frame.height - at.y) + 12}px`,
  };
  return (
    <div class="limpid-tip" style={place} aria-hidden="true">
      {props.node === null ? <LineTip {...props} /> : <NodeTip {...props} />}
    </div>
  );
}

function NodeTip({ graph, tokens, lens, notes, node }: RouteTipProps) {
  const row = graph.nodes[node ?? -1];
  if (!row) return null;
  const reads = lensAt(row, lens);
  const note = row.kind === "mlp" ? notes[mlpName(row.layer)] : undefined;
  return (
    <>
      <strong>{nodeName(row, tokens)}</strong>
      {note && <bdi>“{note}”</bdi>}
      <span>flow {flow(row.flow)}</span>
      {reads !== null && (
        <span>
          lens reads <code>{reads}</code>
        </span>
      )}
    </>
  );
}

function LineTip({ graph, layout, shown, tokens, notes, line }: RouteTipProps) {
  const row = layout.lines[line ?? -1];
  const onView = row?.edges.filter((at) => at < shown.count) ?? [];
  const edge = graph.edges[onView[0] ?? -1];
  const upper = graph.nodes[edge?.to ?? -1];
  if (!row || !edge || !upper) return null;
  return (
    <>
      <strong>
        {nodeName(graph.nodes[edge.from], tokens)} → {nodeName(upper, tokens)}
      </strong>
      <span>
        {edgeKind(edge)}, flow {flow(shown.flows[line ?? -1] ?? 0)}
        {onView.length > 1 ? ` over ${onView.length} edges, the strongest of which is named` : ""}
      </span>
      {edge.heads.length > 0 && <span>{headsOf(edge, upper.layer, notes)}</span>}
    </>
  );
}
