// An MLP at a token: what the model would predict before and after it, and which neurons did it.
// What must not live here: a single neuron (neuron_card.tsx).
import type { MlpCard } from "../../src/generated/protocol";
import { Waiting } from "../controls/waiting";
import { flow, neuronName, probability } from "../display";
import { code, paragraphs, table } from "../markdown";
import type { Selection } from "../messages";
import { useAnswer, useTokens } from "../panel_model";
import { NeuronTable } from "../rankings/neuron_table";
import { token } from "../token_display";
import { Actions } from "./actions";
import { Facts } from "./facts";
import { tokenAt } from "./titles";
import { Lists, PredictionList } from "./token_lists";

export function MlpView({ selection }: { selection: Extract<Selection, { kind: "mlp" }> }) {
  const tokens = useTokens();
  const { layer, position } = selection;
  const answer = useAnswer("limpid/mlp", { layer, position: position ?? null, top: 10 });
  return (
    <Waiting answer={answer} what="the MLP">
      {({ view }) => (
        <>
          <Facts
            facts={[
              ["flow", typeof view.flow === "number" ? flow(view.flow) : "too little for the graph"],
              ["wrote", flow(view.contribution), "Share of the residual stream behind it"],
            ]}
          />
          <Actions
            selection={{ ...selection, position: view.position }}
            markdown={() => markdownOf(view, tokenAt(tokens, view.position))}
          />
          <Lists>
            <PredictionList
              title="Before it"
              hint="Top tokens by the lens below it"
              rows={view.before}
              most={5}
            />
            <PredictionList
              title="After it"
              hint="Top tokens by the lens behind it"
              rows={view.after}
              most={5}
            />
          </Lists>
          <h3>Neurons that wrote most</h3>
          <NeuronTable rows={view.neurons} first={{ by: "flow", isFalling: true }} />
        </>
      )}
    </Waiting>
  );
}

function markdownOf(card: MlpCard, where: string): string {
  const words = (rows: MlpCard["before"]) =>
    rows
      .slice(0, 5)
      .map(({ text, prob }) => `${code(token(text))} ${probability(prob)}`)
      .join(", ");
  return paragraphs([
    `**MLP L${card.layer}** at ${code(where)}: wrote ${flow(card.contribution)}` +
      (typeof card.flow === "number" ? `, flow ${flow(card.flow)}` : ""),
    `before: ${words(card.before)}`,
    `after: ${words(card.after)}`,
    table(
      ["neuron", "flow", "promotes"],
      card.neurons.map((row) => [
        neuronName(row.layer, row.neuron),
        flow(row.flow),
        row.promotes
          .slice(0, 3)
          .map(({ text }) => code(token(text)))
          .join(" "),
      ]),
    ),
  ]);
}
