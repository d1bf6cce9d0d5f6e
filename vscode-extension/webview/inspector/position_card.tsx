// A token of the prompt: what it does for the prediction, who reads it, how it was itself predicted.
// What must not live here: spans (span_card.tsx).
import { useMemo } from "preact/hooks";
import type { LensCell, TokenRow } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { ShareBar } from "../controls/figures";
import { TokenText } from "../controls/token_text";
import { Waiting } from "../controls/waiting";
import { flow, headName, nats, probability, rank } from "../display";
import { code, paragraphs } from "../markdown";
import { NoteText, useNotes } from "../notes/note_text";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import { useAttribution, useRoutes } from "../questions";
import { figureWords } from "../controls/figures";
import { tokenFigures } from "../strip/heat";
import { Actions } from "./actions";
import { Facts } from "./facts";
import { readersOf } from "./token_routes";

export function PositionView({ position }: { position: number }) {
  const panel = usePanel();
  const tokens = useTokens();
  const notes = useNotes();
  const measured = useCell(panel.measuring.measured);
  const answer = useAttribution();
  const words = useAnswer("limpid/tokens", {});
  const routes = useRoutes();
  const lens = useAnswer("limpid/lens", {});
  const attribution = answer.status === "answer" ? answer.result.view.attribution : null;
  const figure = attribution ? tokenFigures(attribution, measured)[position] : undefined;
  const flows = attribution?.method === "flow" ? attribution.scores : attribution?.others?.flow;
  const share = flows?.[position];
  const row = words.status === "answer" ? words.result.view.tokens[position] : undefined;
  const readers = useMemo(
    () => (routes.status === "answer" ? readersOf(routes.result.view.routes, position).slice(0, 8) : []),
    [routes, position],
  );
  const layers = lens.status === "answer" ? lens.result.view.lens : [];
  const before = position > 0 ? layers[layers.length - 1]?.[position - 1] : undefined;
  const place = flows ? flows.filter((other) => other > (share ?? 0)).length + 1 : null;
  return (
    <>
      <Facts
        facts={[
          [
            "flow",
            share === undefined || place === null
              ? "–"
              : `${flow(share)} (${rank(place)} of ${flows?.length ?? 0})`,
            "Share of the prediction that came from it",
          ],
          ["id", String(row?.id ?? "–"), "Its id in the vocabulary"],
        ]}
      />
      <Actions
        selection={{ kind: "position", position }}
        estimate={figure?.estimate}
        known={figure}
        markdown={() =>
          paragraphs([
            `**token ${position}** ${code(tokens[position]?.display ?? "")}`,
            figure ? figureWords(figure) : "",
            share === undefined ? "" : `flow ${flow(share)}`,
          ])
        }
      />
      {row && <ItselfPredicted row={row} before={before} />}
      {readers.length > 0 && (
        <>
          <h3>Read by</h3>
          <ul class="readers">
            {readers.map((reader) => (
              <li key={`${reader.layer} ${reader.head} ${reader.position}`}>
                <button
                  type="button"
                  class="link"
                  onClick={() =>
                    panel.select({
                      kind: "head",
                      layer: reader.layer,
                      head: reader.head,
                      position: reader.position,
                    })
                  }
                >
                  {headName(reader.layer, reader.head)}{" "}
                  <NoteText text={notes[headName(reader.layer, reader.head)]} />
                </button>
                <span class="dim">from</span>
                <Tiny onClick={() => panel.select({ kind: "position", position: reader.position })}>
                  {tokens[reader.position]?.display ?? ""}
                </Tiny>
                <ShareBar share={reader.flow / (readers[0]?.flow ?? 1)} />
                <span class="number">{flow(reader.flow)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {answer.status === "failed" && (
        <Waiting answer={answer} what="the scores">
          {() => null}
        </Waiting>
      )}
    </>
  );
}

/** How likely the token was itself, and what stood in its place. */
function ItselfPredicted({ row, before }: { row: TokenRow; before: LensCell | undefined }) {
  const panel = usePanel();
  if (typeof row.logprob !== "number") {
    return <p class="sentence">Nothing stands before it, so it was not predicted.</p>;
  }
  return (
    <p class="sentence">
      It was itself predicted at <b>{probability(Math.exp(row.logprob))}</b> (
      {typeof row.rank === "number" ? rank(row.rank) : "–"}, {nats(row.logprob)} nats)
      {before && row.rank !== 1 && (
        <>
          ; the likeliest was <TokenText text={before.text} /> {probability(before.prob)}
        </>
      )}
      .{" "}
      {panel.home.can.target && (
        <Tiny
          title="Explain why this token stands here"
          onClick={() => panel.command("setTarget", { position: row.index - 1, token: row.id })}
        >
          explain this token
        </Tiny>
      )}
    </p>
  );
}
