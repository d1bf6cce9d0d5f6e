// The whole panel: its sections in their order, or why there is nothing to show.
// What must not live here: any section's content, where answers come from.
import { useMemo } from "preact/hooks";
import { useCell } from "./cell";
import { ByPartSection } from "./by_part/by_part_section";
import { CompareSection } from "./compare/compare_section";
import { EffectsSection } from "./effects/effects_section";
import { HistorySection } from "./history/history_section";
import type { Home } from "./home";
import { InspectorSection } from "./inspector/inspector_section";
import { Panel, PanelContext } from "./panel_model";
import { PredictionBar } from "./prediction/prediction_bar";
import { RankingsSection } from "./rankings/rankings_section";
import { RunHeader } from "./run_header";
import { Busy, Empty, StaleBanner } from "./states";
import { StripSection } from "./strip/strip_section";
import { TabsSection } from "./tabs/tabs_section";
import { ProblemNote } from "./controls/waiting";
import "./styles/panel.css";

export function App({ home }: { home: Home }) {
  const panel = useMemo(() => new Panel(home), [home]);
  return (
    <PanelContext.Provider value={panel}>
      <Page panel={panel} />
    </PanelContext.Provider>
  );
}

function Page({ panel }: { panel: Panel }) {
  const { shown, problem, busy } = useCell(panel.runs);
  const hasHeard = useCell(panel.heard);
  if (!hasHeard) return <main class="page" aria-label="Limpid" aria-busy="true" />;
  return (
    <main class={`page ${shown?.is_stale ? "is-stale" : ""}`} aria-label="Limpid">
      {shown && <RunHeader run={shown} />}
      {problem && <ProblemNote problem={problem} />}
      {busy && <Busy message={busy.message} share={busy.share} />}
      {shown?.is_stale && !busy && <StaleBanner />}
      {shown ? <Sections /> : !problem && !busy && <Empty />}
      {!shown && panel.home.can.history && <HistorySection />}
    </main>
  );
}

/** Two columns where there is room: what is looked at left, where it comes from right. Read in order, it is one list. */
function Sections() {
  return (
    <div class="sections">
      <div class="column first">
        <PredictionBar />
        <StripSection />
      </div>
      <div class="column second">
        <TabsSection />
      </div>
      <div class="column third">
        <InspectorSection />
      </div>
      <div class="column fourth">
        <RankingsSection />
        <EffectsSection />
        <ByPartSection />
        <CompareSection />
        <HistorySection />
      </div>
    </div>
  );
}
