// Heads and neurons of the whole prompt, ranked.
// What must not live here: the tables themselves.
import { useState } from "preact/hooks";
import { Choice } from "../controls/buttons";
import { Section } from "../controls/section";
import { Waiting } from "../controls/waiting";
import { useAttribution, useRoutes } from "../questions";
import { HeadTable } from "./head_table";
import { NeuronTable } from "./neuron_table";
import { united } from "./rankings";

const STRONGEST = { by: "attribution", isFalling: true };

type Kind = "heads" | "neurons";

export function RankingsSection() {
  const [kind, setKind] = useState<Kind>("heads");
  return (
    <Section
      name="rankings"
      title="Heads and neurons"
      actions={
        <Choice
          label="Ranked"
          value={kind}
          options={[
            { value: "heads", title: "heads" },
            { value: "neurons", title: "neurons" },
          ]}
          onChange={setKind}
        />
      }
    >
      {() => <Rankings kind={kind} />}
    </Section>
  );
}

function Rankings({ kind }: { kind: Kind }) {
  const attribution = useAttribution();
  const routes = useRoutes();
  const byFlow = routes.status === "answer" ? routes.result.view : { heads: [], neurons: [] };
  return (
    <Waiting answer={attribution} what="the rankings">
      {({ view }) =>
        kind === "heads" ? (
          <HeadTable
            key="heads"
            rows={united(view.heads, byFlow.heads, ({ layer, head }) => `${layer} ${head}`)}
            first={STRONGEST}
          />
        ) : (
          <NeuronTable
            key="neurons"
            rows={united(view.neurons, byFlow.neurons, ({ layer, neuron }) => `${layer} ${neuron}`)}
            first={STRONGEST}
          />
        )
      }
    </Waiting>
  );
}
