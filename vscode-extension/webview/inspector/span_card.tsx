// A run of neighbouring tokens: what they do together.
// What must not live here: parts that the daemon cuts (by_part/).
import { useCell } from "../cell";
import { figureWords } from "../controls/figures";
import { flow, thousands } from "../display";
import { changeKey } from "../interventions";
import { figureOf } from "../measured";
import { paragraphs } from "../markdown";
import { usePanel, useTokens } from "../panel_model";
import { useAttribution } from "../questions";
import { Actions } from "./actions";
import { Facts } from "./facts";

export function SpanView({ start, end }: { start: number; end: number }) {
  const panel = usePanel();
  const tokens = useTokens();
  const measured = useCell(panel.measuring.measured);
  const answer = useAttribution();
  const attribution = answer.status === "answer" ? answer.result.view.attribution : null;
  const sum = (scores: readonly number[] | undefined) =>
    scores?.slice(start, end).reduce((total, score) => total + score, 0) ?? null;
  const isNats = attribution?.unit !== "share";
  const estimate = isNats ? sum(attribution?.scores) : null;
  const share = sum(attribution?.method === "flow" ? attribution.scores : attribution?.others?.flow);
  const change = { kind: "span_knockout" as const, span: [start, end] as [number, number] };
  const figure = figureOf(measured, change, estimate);
  const text = tokens
    .slice(start, Math.min(end, start + 60))
    .map(({ display }) => display)
    .join("");
  return (
    <>
      <p class="sentence">
        <code class="token long">
          {text}
          {end - start > 60 ? " …" : ""}
        </code>
      </p>
      <Facts
        facts={[
          ["tokens", thousands(end - start)],
          ["flow", share === null ? "–" : flow(share), "Share of the prediction that came from them"],
        ]}
      />
      <Actions
        key={changeKey(change)}
        selection={{ kind: "span", start, end }}
        estimate={estimate}
        markdown={() => paragraphs([`**tokens ${start}–${end - 1}**`, figureWords(figure)])}
      />
    </>
  );
}
