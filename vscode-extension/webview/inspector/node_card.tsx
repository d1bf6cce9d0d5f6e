// A residual node: what the model would predict from it, and which tokens the block below moved.
// What must not live here: MLPs, heads (their own cards).
import type { NodeCard } from "../../src/generated/protocol";
import { Waiting } from "../controls/waiting";
import { flow, probability, rank } from "../display";
import { code, paragraphs, table } from "../markdown";
import type { Selection } from "../messages";
import { NoteText, useNotes } from "../notes/note_text";
import { mlpName } from "../notes/notes";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import { Tiny } from "../controls/buttons";
import { token } from "../token_display";
import { Actions } from "./actions";
import { Facts } from "./facts";
import { tokenAt } from "./titles";
import { Lists, PredictionList, RankList, ValueList } from "./token_lists";

export function NodeView({ selection }: { selection: Extract<Selection, { kind: "node" }> }) {
  const panel = usePanel();
  const tokens = useTokens();
  const notes = useNotes();
  const { kind, layer, position } = selection.node;
  const answer = useAnswer("limpid/node", { node: { kind, layer, position }, top: 10 });
  return (
    <Waiting answer={answer} what="the node">
      {({ view }) => (
        <>
          <Facts
            facts={[
              [
                "flow through it",
                typeof view.flow === "number" ? flow(view.flow) : "too little for the graph",
              ],
            ]}
          />
          <Actions
            selection={selection}
            markdown={() => markdownOf(view, `${kind} L${layer} at ${code(tokenAt(tokens, position))}`)}
          />
          {kind !== "embed" && (
            <p class="row">
              <span class="dim">written by</span>
              <Tiny onClick={() => panel.select({ kind: "mlp", layer, position })}>
                {mlpName(layer)} <NoteText text={notes[mlpName(layer)]} />
              </Tiny>
              {kind === "resid_post" && (
                <Tiny
                  onClick={() => panel.select({ kind: "node", node: { kind: "resid_mid", layer, position } })}
                >
                  residual before it
                </Tiny>
              )}
            </p>
          )}
          <Lists>
            <PredictionList title="Would predict" hint="Top tokens by the logit lens" rows={view.top} />
            <RankList title="Gained" hint="Ranks gained over the node below" rows={view.gained} />
            <RankList title="Lost" hint="Ranks lost to the node below" rows={view.lost} />
            <ValueList title="Least likely" hint="Lowest logits" rows={view.bottom} most={5} />
          </Lists>
        </>
      )}
    </Waiting>
  );
}

function markdownOf(card: NodeCard, title: string): string {
  return paragraphs([
    `**${title}**` + (typeof card.flow === "number" ? `, flow ${flow(card.flow)}` : ""),
    table(
      ["would predict", "probability"],
      card.top.map(({ text, prob }) => [code(token(text)), probability(prob)]),
    ),
    card.gained.length > 0
      ? table(
          ["gained", "before", "after"],
          card.gained.map(({ text, before, after }) => [code(token(text)), rank(before), rank(after)]),
        )
      : "",
  ]);
}
