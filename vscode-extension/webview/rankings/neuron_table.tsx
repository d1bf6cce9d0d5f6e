// Neurons in a table: of the whole prompt, or of one MLP.
// What must not live here: where they come from.
import type { Change, NeuronRow } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Table } from "../controls/table";
import { neuronName } from "../display";
import { NoteText, useNotes } from "../notes/note_text";
import { usePanel } from "../panel_model";
import { current, isSame } from "../selection_history";
import type { Selection } from "../messages";
import type { Order } from "../sorting";
import { rankedColumns } from "./ranking_columns";

const off = ({ layer, neuron }: NeuronRow): Change => ({ kind: "neuron_set", layer, neuron, value: 0 });

const selects = ({ layer, neuron, position }: NeuronRow): Selection => ({
  kind: "neuron",
  layer,
  neuron,
  position,
});

export function NeuronTable({ rows, first }: { rows: readonly NeuronRow[]; first: Order }) {
  const panel = usePanel();
  const measured = useCell(panel.measuring.measured);
  const notes = useNotes();
  const selection = current(useCell(panel.state).history);
  return (
    <Table
      label="Neurons"
      rows={rows}
      keyOf={({ layer, neuron, position }) => `${layer} ${neuron} ${position}`}
      first={first}
      isSelected={(row) => isSame(selection, selects(row))}
      onPoint={(row) => panel.point(row?.position ?? null)}
      columns={[
        {
          name: "neuron",
          title: "neuron",
          value: ({ layer, neuron }) => neuronName(layer, neuron),
          draw: (row) => (
            <button
              type="button"
              class="link"
              title={`${row.sign_case} at token ${row.position}`}
              onClick={() => panel.select(selects(row))}
            >
              {neuronName(row.layer, row.neuron)} <NoteText text={notes[neuronName(row.layer, row.neuron)]} />
            </button>
          ),
        },
        ...rankedColumns(rows, measured, off),
      ]}
    />
  );
}
