// What was measured: the cheap score beside the effect, sorted by either.
// What must not live here: measuring.
import type { EffectRow } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { FigureBar, FigureNumber } from "../controls/figures";
import { Table, type Column } from "../controls/table";
import { Shown } from "../controls/token_text";
import { nats, probability, signed } from "../display";
import { changeKey, describeChange, selectionOf } from "../interventions";
import { figureOf, NOTHING_MEASURED } from "../measured";
import { NoteText, useNotes } from "../notes/note_text";
import { notable } from "../notes/notes";
import { usePanel, useTokens } from "../panel_model";
import { effectTable } from "../run_markdown";
import { token } from "../token_display";

export function EffectsTable({ rows }: { rows: readonly EffectRow[] }) {
  const panel = usePanel();
  const tokens = useTokens();
  const floor = useCell(panel.measuring.floor);
  const largest = Math.max(...rows.map(({ effect }) => Math.abs(effect ?? 0)), 1e-9);
  const figure = (row: EffectRow) => figureOf(NOTHING_MEASURED, null, row.score, row);
  const name = (row: EffectRow) => describeChange(row.intervention, tokens);
  const columns: Column<EffectRow>[] = [
    {
      name: "what",
      title: "without",
      value: name,
      draw: (row) => <What row={row} name={name(row)} />,
    },
    {
      name: "score",
      title: "score ~",
      hint: "The cheap estimate, nats",
      isNumber: true,
      value: ({ score }) => score ?? null,
      draw: ({ score }) => (
        <span class="figure hollow">{typeof score === "number" ? signed(score) : "–"}</span>
      ),
    },
    {
      name: "effect",
      title: "effect",
      hint: `What it took from the prediction, measured, nats; below ${nats(floor)} it counts as none`,
      isNumber: true,
      value: ({ effect }) => effect ?? null,
      draw: (row) => (
        <span class={Math.abs(row.effect ?? 0) < floor ? "below-floor" : ""}>
          {row.error ? (
            <span class="figure failed" title={row.error}>
              ⚠
            </span>
          ) : (
            <FigureNumber figure={figure(row)} />
          )}
        </span>
      ),
    },
    {
      name: "bar",
      title: "",
      draw: (row) => <FigureBar figure={figure(row)} largest={largest} />,
    },
    {
      name: "after",
      title: "P after",
      hint: "The target's probability in the changed run",
      isNumber: true,
      isWide: true,
      value: ({ logprob }) => logprob ?? null,
      draw: ({ logprob }) => (typeof logprob === "number" ? probability(Math.exp(logprob)) : "–"),
    },
    {
      name: "actions",
      title: "",
      draw: (row) =>
        panel.home.can.measure && (
          <span class="row-actions">
            <Tiny
              label={`off: add to the switches ${name(row)}`}
              onClick={() => panel.addSwitch(row.intervention)}
            >
              off
            </Tiny>
          </span>
        ),
    },
  ];
  const markdown = () => effectTable(rows, tokens);
  return (
    <>
      <Table
        label="Measured effects"
        rows={rows}
        columns={columns}
        keyOf={({ intervention }) => changeKey(intervention)}
        first={{ by: "effect", isFalling: true }}
        most={10}
      />
      <span class="row">
        <Tiny
          label="Copy the effects as Markdown"
          onClick={() => panel.command("copyMarkdown", { text: markdown() })}
        >
          copy
        </Tiny>
      </span>
    </>
  );
}

function What({ row, name }: { row: EffectRow; name: string }) {
  const panel = usePanel();
  const { part } = row;
  const selection = selectionOf(row.intervention);
  const note = useNotes()[notable(selection) ?? ""];
  const face = part ? (
    <>
      <code class="token">
        <Shown display={part.kind ? part.text : token(part.text)} />
      </code>
      {part.kind && <span class="dim kind">{part.name ?? part.kind}</span>}
      {part.tokens.end - part.tokens.start === 1 && !part.kind && (
        <span class="dim index">{part.tokens.start}</span>
      )}
    </>
  ) : (
    <>
      {name} <NoteText text={note} />
    </>
  );
  if (!selection) return <span title={name}>{face}</span>;
  return (
    <button
      type="button"
      class="link"
      title={name}
      onPointerEnter={() => panel.point(part?.tokens.start ?? null)}
      onPointerLeave={() => panel.point(null)}
      onClick={() => panel.select(selection)}
    >
      {face}
    </button>
  );
}
