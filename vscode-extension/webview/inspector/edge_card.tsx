// An edge of the route graph: how much came along it, and for attention which heads carried it.
// What must not live here: heads themselves (head_card.tsx).
import type { EdgeCard, EdgeHeadRow } from "../../src/generated/protocol";
import { Tiny } from "../controls/buttons";
import { ShareBar } from "../controls/figures";
import { Table, type Column } from "../controls/table";
import { TokenText } from "../controls/token_text";
import { Waiting } from "../controls/waiting";
import { flow, headName } from "../display";
import { code, paragraphs, table } from "../markdown";
import type { Selection } from "../messages";
import { NoteText, useNotes } from "../notes/note_text";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import { token } from "../token_display";
import { Actions } from "./actions";
import { Facts } from "./facts";
import { titleOf } from "./titles";

export function EdgeView({ selection }: { selection: Extract<Selection, { kind: "edge" }> }) {
  const panel = usePanel();
  const tokens = useTokens();
  const notes = useNotes();
  const { from, to, edge } = selection;
  const answer = useAnswer("limpid/edge", { from: placeOf(from), kind: edge, to: placeOf(to) });
  const columns: Column<EdgeHeadRow>[] = [
    {
      name: "head",
      title: "head",
      value: ({ head }) => headName(to.layer, head),
      draw: ({ head }) => (
        <button
          type="button"
          class="link"
          onClick={() => panel.select({ kind: "head", layer: to.layer, head, position: to.position })}
        >
          {headName(to.layer, head)} <NoteText text={notes[headName(to.layer, head)]} />
        </button>
      ),
    },
    {
      name: "share",
      title: "of the node",
      hint: "Its share of the upper node along this edge",
      isNumber: true,
      value: ({ contribution }) => contribution,
      draw: ({ contribution }) => flow(contribution),
    },
    {
      name: "pattern",
      title: "attention",
      hint: "Its attention weight from the upper token to the lower one",
      value: ({ pattern }) => pattern,
      draw: ({ pattern }) => (
        <span class="bar-cell">
          <ShareBar share={pattern} />
          <span class="number">{flow(pattern)}</span>
        </span>
      ),
    },
    {
      name: "promotes",
      title: "writes",
      hint: "What it raises with what it moves along this edge",
      isWide: true,
      draw: ({ promotes }) => promotes.slice(0, 3).map(({ id, text }) => <TokenText key={id} text={text} />),
    },
  ];
  return (
    <>
      <Waiting answer={answer} what="the edge">
        {({ view }) => (
          <>
            <Facts
              facts={[
                ["flow", flow(view.flow), "Share of the prediction that came along it"],
                ["of the upper node", flow(view.contribution), "Share of the upper node that came along it"],
              ]}
            />
            <Actions
              selection={selection}
              markdown={() => markdownOf(view, titleOf(selection, tokens).where)}
            />
            {view.heads.length > 0 && (
              <Table
                label="Heads on this edge"
                rows={view.heads}
                columns={columns}
                keyOf={({ head }) => String(head)}
                first={{ by: "share", isFalling: true }}
              />
            )}
          </>
        )}
      </Waiting>
      <p class="row">
        <span class="dim">between</span>
        <Tiny onClick={() => panel.select({ kind: "node", node: from })}>
          {titleOf({ kind: "node", node: from }, tokens).name}
        </Tiny>
        <span class="dim">and</span>
        <Tiny onClick={() => panel.select({ kind: "node", node: to })}>
          {titleOf({ kind: "node", node: to }, tokens).name}
        </Tiny>
      </p>
    </>
  );
}

/** Just the place: a report answers questions worded exactly so. */
function placeOf({ kind, layer, position }: EdgeCard["from"]): EdgeCard["from"] {
  return { kind, layer, position };
}

function markdownOf(card: EdgeCard, where: string): string {
  return paragraphs([
    `**${card.kind} edge L${card.to.layer}** ${code(where)}: flow ${flow(card.flow)}, ${flow(card.contribution)} of the upper node`,
    card.heads.length > 0
      ? table(
          ["head", "of the node", "attention", "writes"],
          card.heads.map(({ head, contribution, pattern, promotes }) => [
            headName(card.to.layer, head),
            flow(contribution),
            flow(pattern),
            promotes
              .slice(0, 3)
              .map(({ text }) => code(token(text)))
              .join(" "),
          ]),
        )
      : "",
  ]);
}
