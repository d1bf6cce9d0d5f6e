// Runs side by side, part by part: what matters everywhere, what only to one; differences first.
// What must not live here: the order of rows (compare_rows.ts).
import { useMemo, useState } from "preact/hooks";
import type {
  CompareCell,
  CompareRow,
  CompareRun,
  CompareView,
  RowChange,
} from "../../src/generated/protocol";
import { Choice } from "../controls/buttons";
import { ShareBar } from "../controls/figures";
import { TokenText } from "../controls/token_text";
import { flow, nats, probability, signed, thousands } from "../display";
import { usePanel } from "../panel_model";
import { differencesFirst, reachCounts, REACH_WORDS } from "./compare_rows";

const CHANGES: Record<RowChange, { sign: string; words: string }> = {
  same: { sign: "", words: "" },
  changed: { sign: "~", words: "worded differently" },
  added: { sign: "+", words: "only in the second run" },
  removed: { sign: "−", words: "only in the first run" },
};

/** Rows drawn at once. */
const MOST = 60;

export function CompareMatrix({ view, titles }: { view: CompareView; titles?: readonly string[] }) {
  const [order, setOrder] = useState<"differences" | "prompt">("differences");
  const rows = useMemo(
    () => (order === "differences" ? differencesFirst(view.rows) : view.rows),
    [view, order],
  );
  const counts = reachCounts(view.rows);
  const isNats = view.unit !== "share";
  return (
    <div class="compare-matrix">
      <p class="row">
        <Choice
          label="Order of the parts"
          value={order}
          options={[
            { value: "differences", title: "differences first" },
            { value: "prompt", title: "as in the prompt" },
          ]}
          onChange={setOrder}
        />
        <span class="dim">
          {counts.everywhere} matter in every run, {counts.some} in some, {counts.nowhere} in none
        </span>
      </p>
      <div class="scroll-across" tabIndex={0} role="group" aria-label="Comparison, scrolls sideways">
        <table class="table" aria-label="Comparison by part">
          <thead>
            <tr>
              <th scope="col">{view.by}</th>
              {view.runs.map((run, at) => (
                <RunHeading key={at} run={run} title={titles?.[at] ?? run.model} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST).map((row, at) => (
              <Row key={at} row={row} isNats={isNats} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MOST && <p class="dim">{thousands(rows.length - MOST)} more rows differ less.</p>}
    </div>
  );
}

function RunHeading({ run, title }: { run: CompareRun; title: string }) {
  const [best] = run.predictions;
  return (
    <th
      scope="col"
      title={
        run.problem ?? `${run.model}${typeof run.value === "number" ? `, objective ${nats(run.value)}` : ""}`
      }
    >
      <span class="model-name">{title}</span>
      {run.problem ? (
        <span class="failed">⚠ {run.problem}</span>
      ) : (
        <span>
          {run.target && <TokenText text={run.target.text} />}
          {best && <span class="dim"> {probability(best.prob)}</span>}
        </span>
      )}
    </th>
  );
}

function Row({ row, isNats }: { row: CompareRow; isNats: boolean }) {
  const panel = usePanel();
  const own = row.cells[0];
  const change = CHANGES[row.change];
  const face = (
    <>
      {change.sign && (
        <b class="change" title={change.words}>
          {change.sign}{" "}
        </b>
      )}
      <span class="text">{row.text}</span>
    </>
  );
  return (
    <tr class={`reach-${row.reach} change-${row.change}`}>
      <th
        scope="row"
        title={`${row.text}\n${REACH_WORDS[row.reach]}${change.words ? `, ${change.words}` : ""}`}
      >
        {own ? (
          <button
            type="button"
            class="link part"
            onClick={() => panel.select({ kind: "span", start: own.tokens.start, end: own.tokens.end })}
          >
            {face}
          </button>
        ) : (
          <span class="part">{face}</span>
        )}
        <span class="reach" title={REACH_WORDS[row.reach]}>
          {row.reach === "everywhere" ? "all" : row.reach === "some" ? "some" : ""}
        </span>
      </th>
      {row.cells.map((cell, at) => (
        <td key={at}>{cell ? <Cell cell={cell} isNats={isNats} /> : <span class="dim">–</span>}</td>
      ))}
    </tr>
  );
}

function Cell({ cell, isNats }: { cell: CompareCell; isNats: boolean }) {
  const number = isNats ? `~${signed(cell.attribution)}` : flow(cell.attribution);
  return (
    <span
      class={`bar-cell ${cell.attribution < 0 ? "opposes" : "supports"}`}
      title={`attribution ${number}, ${flow(cell.share)} of all parts', flow ${flow(cell.flow)}`}
    >
      <ShareBar share={cell.share} tone="plain" />
      <span class="number">{number}</span>
    </span>
  );
}
