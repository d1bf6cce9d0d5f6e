// The edges on view as rows: what the graph shows, for those who would rather read it.
// What must not live here: the table itself (drawing/rows_table.tsx).
import { useMemo } from "preact/hooks";
import type { RouteEdge, RouteNode, TableToken } from "../../src/generated/protocol";
import { flow } from "../display";
import { RowsTable, type RowsColumn } from "../drawing/rows_table";
import type { Selection } from "../messages";
import type { Notes } from "../notes/notes";
import { heightOf, type Graph } from "./graph";
import { edgeKind, headsOf, nodeName, selectedEdge, selectEdge } from "./words";

export interface RoutesTableProps {
  graph: Graph;
  count: number;
  tokens: readonly TableToken[];
  selection: Selection | null;
  notes: Notes;
  onSelect: (selection: Selection) => void;
  onPoint: (token: number | null) => void;
}

export function RoutesTable({ graph, count, tokens, selection, notes, onSelect, onPoint }: RoutesTableProps) {
  const rows = useMemo(() => graph.edges.slice(0, count), [graph, count]);
  const columns = useMemo(() => columnsOf(graph, tokens, notes), [graph, tokens, notes]);
  const chosen = selectedEdge(graph, selection);
  return (
    <RowsTable
      label={`Routes, ${rows.length} edges`}
      rows={rows}
      columns={columns}
      isSelected={(edge) => chosen !== null && graph.edges[chosen] === edge}
      onOpen={(edge) => {
        const what = selectEdge(graph, edge);
        if (what) onSelect(what);
      }}
      onPoint={(edge) => onPoint(edge ? (graph.nodes[edge.from]?.position ?? null) : null)}
    />
  );
}

function columnsOf(graph: Graph, tokens: readonly TableToken[], notes: Notes): RowsColumn<RouteEdge>[] {
  const name = (at: number) => nodeName(graph.nodes[at], tokens);
  /** Along the prompt, then up. */
  const place = (node: RouteNode | undefined) => (node ? node.position * 1e4 + heightOf(node) : 0);
  return [
    {
      name: "flow",
      title: "Flow",
      text: ({ flow: own }) => flow(own),
      key: (edge) => edge.flow,
      isNumber: true,
    },
    {
      name: "from",
      title: "From",
      text: ({ from }) => name(from),
      key: ({ from }) => place(graph.nodes[from]),
    },
    { name: "to", title: "To", text: ({ to }) => name(to), key: ({ to }) => place(graph.nodes[to]) },
    { name: "kind", title: "Through", text: edgeKind, key: edgeKind },
    {
      name: "heads",
      title: "Heads",
      text: (edge) => headsOf(edge, graph.nodes[edge.to]?.layer ?? 0, notes),
      key: (edge) => edge.heads[0]?.contribution ?? 0,
    },
    {
      name: "contribution",
      title: "Contribution",
      text: (edge) => flow(edge.contribution),
      key: (edge) => edge.contribution,
      isNumber: true,
    },
  ];
}
