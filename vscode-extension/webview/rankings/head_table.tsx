// Heads in a table.
// What must not live here: where they come from.
import type { Change, HeadRow } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Table } from "../controls/table";
import { headName } from "../display";
import { NoteText, useNotes } from "../notes/note_text";
import { usePanel } from "../panel_model";
import { current } from "../selection_history";
import type { Order } from "../sorting";
import { rankedColumns } from "./ranking_columns";

const off = ({ layer, head }: HeadRow): Change => ({ kind: "head_zero", layer, head });

export function HeadTable({ rows, first }: { rows: readonly HeadRow[]; first: Order }) {
  const panel = usePanel();
  const measured = useCell(panel.measuring.measured);
  const notes = useNotes();
  const selection = current(useCell(panel.state).history);
  return (
    <Table
      label="Heads"
      rows={rows}
      keyOf={({ layer, head }) => `${layer} ${head}`}
      first={first}
      isSelected={({ layer, head }) =>
        selection?.kind === "head" && selection.layer === layer && selection.head === head
      }
      columns={[
        {
          name: "head",
          title: "head",
          value: ({ layer, head }) => headName(layer, head),
          draw: ({ layer, head }) => (
            <button type="button" class="link" onClick={() => panel.select({ kind: "head", layer, head })}>
              {headName(layer, head)} <NoteText text={notes[headName(layer, head)]} />
            </button>
          ),
        },
        ...rankedColumns(rows, measured, off),
      ]}
    />
  );
}
