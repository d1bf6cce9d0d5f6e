// Columns that the rankings of heads and of neurons share: flow, and the figure of switching the row off.
// What must not live here: which rows there are.
import type { Change, Disagreement, TokenValue } from "../../src/generated/protocol";
import { FigureBar } from "../controls/figures";
import type { Column } from "../controls/table";
import { TokenText } from "../controls/token_text";
import { flow, signed } from "../display";
import { figureOf, standing, type Figure, type Measured } from "../measured";
import { EffectCell, RowActions } from "./row_actions";

/** What a row of either ranking has. */
export interface Ranked {
  flow: number;
  attribution?: number | null;
  effect?: number | null;
  disagreement?: Disagreement | null;
  promotes: TokenValue[];
}

export function rankedColumns<T extends Ranked>(
  rows: readonly T[],
  measured: Measured,
  off: (row: T) => Change,
): Column<T>[] {
  const figures = new Map<T, Figure>(
    rows.map((row) => [row, figureOf(measured, off(row), row.attribution, row)]),
  );
  const figure = (row: T): Figure => figures.get(row) ?? figureOf(measured, off(row), row.attribution, row);
  const largest = Math.max(...rows.map((row) => Math.abs(standing(figure(row)) ?? 0)), 1e-9);
  return [
    {
      name: "flow",
      title: "flow",
      hint: "Share of the prediction that came through it",
      isNumber: true,
      value: (row) => row.flow,
      draw: (row) => flow(row.flow),
    },
    {
      name: "attribution",
      title: "attr. ~",
      hint: "Attribution: what switching it off is estimated to take, nats",
      isNumber: true,
      value: (row) => row.attribution ?? null,
      draw: (row) => (
        <span class="figure hollow">
          {typeof row.attribution === "number" ? signed(row.attribution) : "–"}
        </span>
      ),
    },
    {
      name: "effect",
      title: "effect",
      hint: "Effect: what switching it off took, measured, nats",
      isNumber: true,
      value: (row) => figure(row).effect,
      draw: (row) => <EffectCell figure={figure(row)} change={off(row)} />,
    },
    {
      name: "bar",
      title: "",
      isWide: true,
      draw: (row) => <FigureBar figure={figure(row)} largest={largest} />,
    },
    {
      name: "promotes",
      title: "writes",
      hint: "Tokens whose logits it raises most",
      isWide: true,
      draw: ({ promotes }) => promotes.slice(0, 3).map(({ id, text }) => <TokenText key={id} text={text} />),
    },
    {
      name: "actions",
      title: "",
      draw: (row) => <RowActions change={off(row)} />,
    },
  ];
}
