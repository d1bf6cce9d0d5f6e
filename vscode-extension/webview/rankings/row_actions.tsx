// What can be done to a row of a table: measure it where its effect will stand, switch it off.
// What must not live here: what the row is of.
import type { Change } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { FigureNumber } from "../controls/figures";
import { changeKey, describeChange } from "../interventions";
import type { Figure } from "../measured";
import { usePanel, useTokens } from "../panel_model";

/** Where the effect will stand: a button that measures it, until it is measured. In a report: a dash. */
export function EffectCell({ figure, change }: { figure: Figure; change: Change | null }) {
  const panel = usePanel();
  const tokens = useTokens();
  const jobs = useCell(panel.measuring.jobs);
  if (figure.effect !== null || figure.error !== null) return <FigureNumber figure={figure} />;
  if (!change || !panel.home.can.measure) return <span class="dim">–</span>;
  const title = describeChange(change, tokens);
  const key = changeKey(change);
  const isBusy = jobs.some(({ params }) => params.interventions?.some((one) => changeKey(one) === key));
  return (
    <Tiny
      label={`${isBusy ? "measuring" : "measure"}: ${title}`}
      disabled={isBusy}
      onClick={() => panel.measuring.measure(title, { interventions: [change] }, 1)}
    >
      {isBusy ? "measuring" : "measure"}
    </Tiny>
  );
}

export function RowActions({ change }: { change: Change }) {
  const panel = usePanel();
  const tokens = useTokens();
  if (!panel.home.can.measure) return null;
  return (
    <span class="row-actions">
      <Tiny
        label={`off: add to the switches ${describeChange(change, tokens)}`}
        onClick={() => panel.addSwitch(change)}
      >
        off
      </Tiny>
    </span>
  );
}
