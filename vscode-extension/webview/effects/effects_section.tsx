// Effects: measuring sets of things, what came of it, and switches to be made together.
// What must not live here: how measuring is queued (measuring.ts).
import { useCell } from "../cell";
import { Section } from "../controls/section";
import { usePanel } from "../panel_model";
import { EffectsTable } from "./effects_table";
import { MeasureSets } from "./measure_sets";
import { SideBySide } from "./side_by_side";
import { SwitchesList } from "./switches_list";

export function EffectsSection() {
  const panel = usePanel();
  const measured = useCell(panel.measuring.measured);
  const { switches } = useCell(panel.state);
  const mine = switches.filter(({ of }) => of === panel.scope);
  const note = [
    measured.size > 0 ? `${measured.size} measured` : "",
    mine.length > 0 ? `${mine.length} ${mine.length === 1 ? "switch" : "switches"}` : "",
  ]
    .filter(Boolean)
    .join(", ");
  return (
    <Section name="effects" title="Effects" note={note || undefined}>
      {() => (
        <>
          {panel.home.can.measure && <MeasureSets />}
          {measured.size > 0 ? (
            <EffectsTable rows={[...measured.values()]} />
          ) : (
            <p class="dim">
              {panel.home.can.measure
                ? "Nothing is measured yet. Measuring runs the model again without each part and says what that takes from the prediction."
                : "Nothing was measured for this report."}
            </p>
          )}
          {panel.home.can.measure && (
            <>
              <SwitchesList switches={mine} />
              <SideBySide switches={mine} />
            </>
          )}
        </>
      )}
    </Section>
  );
}
