// Switches: changes that are made together, each on or off.
// What must not live here: what they do to the text (side_by_side.tsx).
import type { Change, SwitchSet } from "../../src/generated/protocol";
import { Button, Select, Tiny } from "../controls/buttons";
import "../controls/elements";
import { FigureNumber } from "../controls/figures";
import { useCell } from "../cell";
import { changeKey, describeChange } from "../interventions";
import { figureOf } from "../measured";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import type { Switch } from "../panel_state";

export function SwitchesList({ switches }: { switches: readonly Switch[] }) {
  const panel = usePanel();
  const tokens = useTokens();
  const measured = useCell(panel.measuring.measured);
  const saved = useAnswer("limpid/switches", {});
  const sets = saved.status === "answer" ? saved.result.view.sets : [];
  const on = switches.filter((one) => one.on).map(({ change }) => change);
  const together: Change | null = on.length > 0 ? on.flat() : null;
  const replace = (next: readonly Switch[]) => {
    const others = panel.state.value.switches.filter(({ of }) => of !== panel.scope);
    panel.change({ switches: [...others, ...next] });
  };
  return (
    <div class="switches">
      <h3>Switches</h3>
      {switches.length === 0 && (
        <p class="dim">None yet: “switch off” or “set to…” on a head, neuron, MLP, edge or token adds one.</p>
      )}
      <ul>
        {switches.map((one) => {
          const name = describeChange(one.change, tokens);
          return (
            <li key={changeKey(one.change)}>
              <vscode-checkbox
                label={name}
                checked={one.on}
                onchange={(event) => {
                  const isOn = (event.target as HTMLInputElement).checked;
                  replace(switches.map((other) => (other === one ? { ...one, on: isOn } : other)));
                }}
              />
              <FigureNumber figure={figureOf(measured, one.change, null)} />
              <Tiny
                label={`Remove the switch: ${name}`}
                onClick={() => replace(switches.filter((other) => other !== one))}
              >
                ✕
              </Tiny>
            </li>
          );
        })}
      </ul>
      <p class="row">
        {switches.length > 0 && (
          <>
            <Button
              disabled={!together}
              title="Run the model with all that are on, together"
              onClick={() =>
                together && panel.measuring.measure("the switches", { interventions: [together] }, 1)
              }
            >
              Measure together
            </Button>
            {together && (
              <span class="verdict">
                <FigureNumber figure={figureOf(measured, together, null)} /> <span class="dim">nats</span>
              </span>
            )}
            <Tiny
              label="Save the switches beside the document"
              onClick={() => panel.command("saveSwitches", { switches: on.flat() })}
            >
              save
            </Tiny>
            <Tiny label="Clear: remove all switches" onClick={() => replace([])}>
              clear
            </Tiny>
          </>
        )}
        {sets.length > 0 && (
          <Select
            label="Take up a saved set of switches"
            value=""
            options={[
              { value: "", title: "saved sets…" },
              ...sets.map(({ name }) => ({ value: name, title: name })),
            ]}
            onChange={(name) => {
              const set = sets.find((one) => one.name === name);
              if (set) replace(switchesOf(set, panel.scope));
            }}
          />
        )}
      </p>
    </div>
  );
}

function switchesOf({ switches }: SwitchSet, of: string): Switch[] {
  const changes = Array.isArray(switches) ? switches : [switches];
  return changes.map((change) => ({ change, on: true, of }));
}
