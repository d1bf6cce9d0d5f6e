// The token strip's section: which heat is shown, its legend, whether numbers are.
// What must not live here: the strip itself (token_strip.tsx).
import { useMemo } from "preact/hooks";
import { useCell } from "../cell";
import { Choice, Tiny } from "../controls/buttons";
import { Icon } from "../controls/icons";
import { Section } from "../controls/section";
import { Waiting } from "../controls/waiting";
import { useAnswer, usePanel } from "../panel_model";
import { useAttribution } from "../questions";
import type { HeatKind } from "../panel_state";
import { hasEffects, heatOf, tokenFigures } from "./heat";
import { StripLegend } from "./strip_legend";
import { TokenStrip } from "./token_strip";

export function StripSection() {
  const panel = usePanel();
  const { settings, shown: run } = useCell(panel.runs);
  const { heat: wanted } = useCell(panel.state);
  const measured = useCell(panel.measuring.measured);
  const tokens = useAnswer("limpid/tokens", {});
  const answer = useAttribution();
  const attribution = answer.status === "answer" ? answer.result.view.attribution : null;
  const figures = useMemo(
    () => (attribution ? tokenFigures(attribution, measured) : []),
    [attribution, measured],
  );
  const heat = useMemo(
    () => (attribution ? heatOf(attribution, figures, wanted) : null),
    [attribution, figures, wanted],
  );
  const kinds: { value: HeatKind; title: string; hint: string }[] = [
    {
      value: "attribution",
      title: "attribution",
      hint: "An estimate of what each token does for the prediction",
    },
    { value: "flow", title: "flow", hint: "The share of the prediction that came from each token" },
  ];
  if (hasEffects(figures)) {
    kinds.push({
      value: "effect",
      title: "effect",
      hint: "What hiding each token was measured to take away",
    });
  }
  const isNumbered = settings.numbers;
  return (
    <Section
      name="strip"
      title="Prompt"
      isOpenAtFirst
      actions={
        <>
          <Choice
            label="Heat shows"
            value={heat?.kind ?? wanted}
            options={kinds}
            onChange={(kind) => panel.change({ heat: kind })}
          />
          <Tiny
            label="Numbers beside every colour"
            pressed={isNumbered}
            onClick={() => panel.command("numbers", { numbers: !isNumbered })}
          >
            <Icon name="numbers" />
          </Tiny>
        </>
      }
    >
      <Waiting answer={tokens} what="the tokens">
        {({ token_table, view }) => (
          <TokenStrip
            key={run?.id}
            tokens={token_table}
            heat={heat}
            target={view.target}
            numbers={isNumbered}
          />
        )}
      </Waiting>
      {heat && <StripLegend heat={heat} />}
      {answer.status === "failed" && (
        <Waiting answer={answer} what="the heat">
          {() => null}
        </Waiting>
      )}
    </Section>
  );
}
