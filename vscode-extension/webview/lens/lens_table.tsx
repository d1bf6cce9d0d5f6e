// The lens grid's cells as rows.
// What must not live here: the table itself (drawing/rows_table.tsx).
import { useMemo } from "preact/hooks";
import type { LensCell, LensView, TableToken } from "../../src/generated/protocol";
import { probability, rank } from "../display";
import { RowsTable, type RowsColumn } from "../drawing/rows_table";
import type { Selection } from "../messages";
import { token } from "../token_display";

interface LensRow {
  layer: number;
  position: number;
  cell: LensCell;
}

export interface LensTableProps {
  lens: LensView;
  tokens: readonly TableToken[];
  onSelect: (selection: Selection) => void;
  onPoint: (token: number | null) => void;
}

export function LensTable({ lens, tokens, onSelect, onPoint }: LensTableProps) {
  const rows = useMemo(() => {
    // From the top layer down and the last token back: what is asked for most comes first.
    const all: LensRow[] = [];
    for (let column = lens.positions.length - 1; column >= 0; column--)
      for (let layer = lens.lens.length - 1; layer >= 0; layer--) {
        const cell = lens.lens[layer]?.[column];
        if (cell) all.push({ layer, position: lens.positions[column] ?? 0, cell });
      }
    return all;
  }, [lens]);
  const columns = useMemo(() => columnsOf(tokens), [tokens]);
  return (
    <RowsTable
      label={`Logit lens, ${rows.length} cells`}
      rows={rows}
      columns={columns}
      onOpen={(row) => onSelect(lensSelection(row.layer, row.position))}
      onPoint={(row) => onPoint(row?.position ?? null)}
    />
  );
}

/** What a cell selects: the embedding, or the residual stream after the block below it. */
export function lensSelection(layer: number, position: number): Selection {
  const node =
    layer === 0
      ? { kind: "embed" as const, layer: 0, position }
      : { kind: "resid_post" as const, layer: layer - 1, position };
  return { kind: "node", node };
}

/** `embedding`, `after L22`. */
export function layerName(layer: number): string {
  return layer === 0 ? "embedding" : `after L${layer - 1}`;
}

function columnsOf(tokens: readonly TableToken[]): RowsColumn<LensRow>[] {
  return [
    {
      name: "token",
      title: "At",
      text: ({ position }) => tokens[position]?.display ?? `#${position}`,
      key: ({ position }) => position,
    },
    { name: "layer", title: "Layer", text: ({ layer }) => layerName(layer), key: ({ layer }) => layer },
    { name: "top", title: "Top token", text: ({ cell }) => token(cell.text), key: ({ cell }) => cell.text },
    {
      name: "prob",
      title: "Its probability",
      text: ({ cell }) => probability(cell.prob),
      key: ({ cell }) => cell.prob,
      isNumber: true,
    },
    {
      name: "target",
      title: "Target's probability",
      text: ({ cell }) => probability(cell.target_prob),
      key: ({ cell }) => cell.target_prob,
      isNumber: true,
    },
    {
      name: "rank",
      title: "Target's rank",
      text: ({ cell }) => rank(cell.target_rank),
      key: ({ cell }) => -cell.target_rank,
      isNumber: true,
    },
  ];
}
