// The prompt's parts with what their tokens sum up to: flow, attribution, and the measured effect of hiding each.
// What must not live here: which cuts are offered (part_kinds.ts).
import { useState } from "preact/hooks";
import type { Change, PartBy, PartRow, PartsView } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Button, Choice } from "../controls/buttons";
import { FigureBar, ShareBar } from "../controls/figures";
import { Section } from "../controls/section";
import { Table } from "../controls/table";
import { Waiting } from "../controls/waiting";
import { flow, signed, thousands } from "../display";
import { figureOf, standing, type Figure } from "../measured";
import { useAnswer, usePanel } from "../panel_model";
import { EffectCell, RowActions } from "../rankings/row_actions";
import { CUTS, exists, firstCut } from "./part_kinds";

export function ByPartSection() {
  return (
    <Section name="by-part" title="By part">
      {() => <ByPart />}
    </Section>
  );
}

function ByPart() {
  const [wanted, setWanted] = useState<PartBy | null>(null);
  // One answer a cut: few, and cheap once the scores are known.
  const answers = {
    message: useAnswer("limpid/parts", { by: "message" }),
    example: useAnswer("limpid/parts", { by: "example" }),
    paragraph: useAnswer("limpid/parts", { by: "paragraph" }),
    line: useAnswer("limpid/parts", { by: "line" }),
    sentence: useAnswer("limpid/parts", { by: "sentence" }),
    word: useAnswer("limpid/parts", { by: "word" }),
  };
  const found = CUTS.filter(({ by }) => {
    const answer = answers[by];
    return answer.status === "answer" && exists(answer.result.view);
  });
  const by = found.find((cut) => cut.by === wanted)?.by ?? firstCut(found.map((cut) => cut.by));
  if (!by) {
    const isBusy = CUTS.some((cut) => answers[cut.by].status === "busy");
    return isBusy ? (
      <p class="waiting" role="status">
        Cutting the prompt …
      </p>
    ) : (
      <Waiting answer={answers.word} what="the parts">
        {() => <p class="dim">The prompt is one single part.</p>}
      </Waiting>
    );
  }
  return (
    <>
      <p class="row">
        <Choice
          label="Cut into"
          value={by}
          options={found.map((cut) => ({ value: cut.by, title: cut.title }))}
          onChange={setWanted}
        />
        <MeasureAll by={by} />
      </p>
      <Waiting key={by} answer={answers[by]} what="the parts">
        {({ view }) => <Parts view={view} />}
      </Waiting>
    </>
  );
}

/** Hides all parts of the cut in turn. */
function MeasureAll({ by }: { by: PartBy }) {
  const panel = usePanel();
  if (!panel.home.can.measure) return null;
  const { budget_ms } = panel.state.value;
  const seconds = (budget_ms ?? panel.runs.value.settings.effects_budget_ms) / 1000;
  return (
    <Button
      title="Run the model without each of them"
      onClick={() => panel.measuring.measure(`every ${by}`, { set: by, budget: { seconds } }, null)}
    >
      Measure all
    </Button>
  );
}

const hide = ({ tokens: { start, end } }: PartRow): Change => ({ kind: "span_knockout", span: [start, end] });

function Parts({ view }: { view: PartsView }) {
  const panel = usePanel();
  const measured = useCell(panel.measuring.measured);
  const rows = view.parts;
  const isNats = view.unit !== "share";
  const figures = new Map<PartRow, Figure>(
    rows.map((row) => [row, figureOf(measured, hide(row), isNats ? scoreOf(row) : null, row)]),
  );
  const figure = (row: PartRow) => figures.get(row) ?? figureOf(measured, hide(row), scoreOf(row), row);
  const largest = Math.max(...rows.map((row) => Math.abs(standing(figure(row)) ?? 0)), 1e-9);
  const target = view.target.position;
  return (
    <Table
      label={`Parts by ${view.by}`}
      rows={rows}
      keyOf={({ tokens }) => `${tokens.start}-${tokens.end}`}
      first={{ by: "place", isFalling: false }}
      onPoint={(row) => panel.point(row?.tokens.start ?? null)}
      most={16}
      columns={[
        {
          name: "place",
          title: "#",
          isNumber: true,
          value: ({ tokens }) => tokens.start,
          draw: (row) => <span class="dim index">{rows.indexOf(row) + 1}</span>,
        },
        {
          name: "text",
          title: view.by,
          draw: (row) => <PartName row={row} />,
        },
        {
          name: "flow",
          title: "flow",
          hint: "Share of the prediction that came from it; the bar leaves the first token out",
          value: (row) => (row.without_sink ?? row).flow,
          draw: (row) => (
            <span class="bar-cell" title={row.is_sink ? `${flow(row.flow)} with the first token` : undefined}>
              <ShareBar share={row.share} />
              <span class="number">{flow((row.without_sink ?? row).flow)}</span>
            </span>
          ),
        },
        {
          name: "attribution",
          title: isNats ? "attr. ~" : "",
          hint: "What hiding it is estimated to take, nats; without the first token's score",
          isNumber: true,
          value: (row) => figure(row).estimate,
          draw: (row) => (
            <span class="figure hollow">
              {figure(row).estimate === null ? "" : signed(figure(row).estimate ?? 0)}
            </span>
          ),
        },
        {
          name: "effect",
          title: "effect",
          hint: "What hiding it took, measured, nats",
          isNumber: true,
          value: (row) => figure(row).effect,
          draw: (row) => (
            <EffectCell figure={figure(row)} change={row.tokens.end <= target ? hide(row) : null} />
          ),
        },
        {
          name: "bar",
          title: "",
          isWide: true,
          draw: (row) => <FigureBar figure={figure(row)} largest={largest} />,
        },
        {
          name: "actions",
          title: "",
          draw: (row) => row.tokens.end <= target && <RowActions change={hide(row)} />,
        },
      ]}
    />
  );
}

/** The first token's score says nothing of the part it stands in. */
function scoreOf(row: PartRow): number {
  return (row.without_sink ?? row).attribution;
}

function PartName({ row }: { row: PartRow }) {
  const panel = usePanel();
  const { tokens, name, text, n_tokens, is_sink } = row;
  return (
    <button
      type="button"
      class="link part"
      title={`${text}\n${thousands(n_tokens)} tokens${is_sink ? "\nholds the first token, which is left out of the bars" : ""}`}
      onClick={() => panel.select({ kind: "span", start: tokens.start, end: tokens.end })}
    >
      {name && <b>{name} </b>}
      <span class={is_sink ? "text holds-sink" : "text"}>{text}</span>
    </button>
  );
}
