// Comparing the run shown: with its foil, with an earlier run, with every loaded model.
// What must not live here: the matrix (compare_matrix.tsx), what is offered (partners.ts).
import { useState } from "preact/hooks";
import type { Answer, CompareView, PartBy } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Choice, Select } from "../controls/buttons";
import { Section } from "../controls/section";
import { Waiting } from "../controls/waiting";
import { useAnswer, usePanel } from "../panel_model";
import { useRequestTarget } from "../questions";
import { CompareMatrix } from "./compare_matrix";
import { partners } from "./partners";

export function CompareSection() {
  const panel = usePanel();
  const recorded = panel.home.recorded.filter(({ method }) => method === "limpid/compare");
  if (!panel.home.can.measure && recorded.length === 0) return null;
  return (
    <Section name="compare" title="Compare">
      {() =>
        panel.home.can.measure ? (
          <Comparing />
        ) : (
          recorded.map(({ result }, at) => (
            // Recorded under this method, so it is its result.
            <CompareMatrix key={at} view={(result as Answer<CompareView>).view} />
          ))
        )
      }
    </Section>
  );
}

const CUTS: { value: PartBy; title: string }[] = [
  { value: "message", title: "messages" },
  { value: "example", title: "examples" },
  { value: "line", title: "lines" },
  { value: "sentence", title: "sentences" },
  { value: "word", title: "words" },
];

function Comparing() {
  const panel = usePanel();
  const { shown: run, history, models } = useCell(panel.runs);
  const target = useRequestTarget();
  const chosen = useCell(panel.comparing);
  // Left to the daemon at first: it knows which cut the prompt has.
  const [by, setBy] = useState<PartBy | null>(null);
  const offered = run ? partners(run, target, history, models) : [];
  const partner = offered.find(({ key }) => key === chosen) ?? null;
  const answer = useAnswer("limpid/compare", partner ? { with: partner.with, by } : null);
  if (offered.length === 0) {
    return (
      <p class="dim">
        Nothing to compare with yet: choose a foil (≠ beside a prediction), inspect the prompt again after a
        change, or load a second model.
      </p>
    );
  }
  return (
    <>
      <p class="row">
        <Select
          label="Compare with"
          value={partner?.key ?? ""}
          options={[
            { value: "", title: "compare with…" },
            ...offered.map(({ key, title }) => ({ value: key, title })),
          ]}
          onChange={(key) => {
            panel.comparing.value = key;
          }}
        />
        {answer.status === "answer" && (
          <Choice label="Compared by" value={answer.result.view.by} options={CUTS} onChange={setBy} />
        )}
      </p>
      <Waiting answer={answer} what="the comparison">
        {({ view }) => <CompareMatrix view={view} titles={partner?.titles} />}
      </Waiting>
    </>
  );
}
