// A neuron: how strongly it fires at each token, why that way round, and what it promotes and suppresses.
// What must not live here: the words for its signs (glu_words.ts).
import type { NeuronCard } from "../../src/generated/protocol";
import { Waiting } from "../controls/waiting";
import { flow, nats, neuronName, signed } from "../display";
import { code, paragraphs } from "../markdown";
import type { Selection } from "../messages";
import { useAnswer, useTokens } from "../panel_model";
import { token } from "../token_display";
import { Actions } from "./actions";
import { ActivationStrip } from "./activation_strip";
import { directFacts, Facts, type Fact } from "./facts";
import { gluWords } from "./glu_words";
import { TokenBars } from "./token_bars";
import { tokenAt } from "./titles";
import { Promotes } from "./token_lists";

export function NeuronView({ selection }: { selection: Extract<Selection, { kind: "neuron" }> }) {
  const tokens = useTokens();
  const { layer, neuron, position } = selection;
  const answer = useAnswer("limpid/neuron", { layer, neuron, position: position ?? null });
  return (
    <Waiting answer={answer} what="the neuron">
      {({ view }) => (
        <>
          <Facts facts={neuronFacts(view)} />
          <p class="sentence">{gluWords(view)}</p>
          <Actions
            selection={{ ...selection, position: view.row.position }}
            estimate={view.row.attribution}
            known={view.row}
            markdown={() => markdownOf(view, tokenAt(tokens, view.row.position))}
          />
          <h3>Activation at each token</h3>
          <ActivationStrip activations={view.activations} position={view.row.position} />
          <TokenBars titles={["activation"]} rows={activationBars(view.activations)} most={5} />
          <Promotes promotes={view.row.promotes} suppresses={view.row.suppresses} most={6} />
        </>
      )}
    </Waiting>
  );
}

function neuronFacts({ row, pre, pre_linear }: NeuronCard): Fact[] {
  const facts: Fact[] = [
    ["activation", nats(row.activation), `At token ${row.position}`],
    [
      pre_linear === null || pre_linear === undefined ? "pre" : "gate",
      nats(pre),
      "Before the activation function",
    ],
  ];
  if (typeof pre_linear === "number")
    facts.push(["up", nats(pre_linear), "What the gate is multiplied with"]);
  facts.push(["flow", flow(row.flow), "Share of the prediction that came through it at this token"]);
  return [...facts, ...directFacts(row.logit_attribution)];
}

function activationBars(activations: readonly number[]) {
  const largest = Math.max(...activations.map(Math.abs), 1e-9);
  return activations
    .map((activation, position) => ({ activation, position }))
    .sort((a, b) => Math.abs(b.activation) - Math.abs(a.activation))
    .map(({ activation, position }) => ({
      position,
      bars: [{ share: Math.abs(activation) / largest, number: signed(activation), tone: "plain" as const }],
    }));
}

function markdownOf(card: NeuronCard, where: string): string {
  const { row } = card;
  const words = (values: typeof row.promotes) =>
    values
      .slice(0, 5)
      .map(({ text }) => code(token(text)))
      .join(" ");
  return paragraphs([
    `**neuron ${neuronName(row.layer, row.neuron)}** at ${code(where)}`,
    gluWords(card),
    `flow ${flow(row.flow)}` +
      (typeof row.attribution === "number" ? `, attribution ~${signed(row.attribution)} nats` : "") +
      (typeof row.effect === "number" ? `, effect ${signed(row.effect)} nats` : ""),
    `promotes ${words(row.promotes)}; suppresses ${words(row.suppresses)}`,
  ]);
}
