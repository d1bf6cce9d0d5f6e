// Buttons that measure a whole set, the budget they keep to, and how far they are.
// What must not live here: rows (effects_table.tsx).
import type { EffectSet } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Button, Select, Tiny } from "../controls/buttons";
import "../controls/elements";
import { ProblemNote } from "../controls/waiting";
import { duration, thousands } from "../display";
import type { Job } from "../measuring";
import { useAnswer, usePanel } from "../panel_model";

const SETS: { set: EffectSet; title: string; hint: string }[] = [
  { set: "parts", title: "Parts", hint: "Messages, lines and, in those that matter, tokens" },
  { set: "token", title: "Tokens", hint: "Each token of the prompt" },
  { set: "head", title: "Heads", hint: "Each attention head, strongest estimate first" },
  { set: "neuron", title: "Neurons", hint: "The strongest neurons by their estimate" },
];

/** Neurons measured as a set: measuring all would take hours. */
const NEURONS = 20;

const BUDGETS = [1000, 2000, 5000, 15_000, 60_000];

export function MeasureSets() {
  const panel = usePanel();
  const { settings } = useCell(panel.runs);
  const { budget_ms } = useCell(panel.state);
  const jobs = useCell(panel.measuring.jobs);
  const ending = useCell(panel.measuring.ending);
  const tokens = useAnswer("limpid/tokens", {});
  const view = tokens.status === "answer" ? tokens.result.view : null;
  const budget = budget_ms ?? settings.effects_budget_ms;
  const expected = (set: EffectSet): number | null => {
    if (!view) return null;
    if (set === "token") return view.target.position;
    if (set === "head") return view.model.n_layers * view.model.n_heads;
    return set === "neuron" ? NEURONS : null;
  };
  const measure = (set: EffectSet, title: string) => {
    const params = {
      set,
      ...(set === "neuron" && { top: NEURONS }),
      budget: { seconds: budget / 1000 },
    };
    panel.measuring.measure(title.toLowerCase(), params, expected(set));
  };
  const budgets = [...new Set([...BUDGETS, budget])].sort((a, b) => a - b);
  return (
    <div class="measure-sets">
      <p class="row">
        <span class="dim">measure</span>
        {SETS.map(({ set, title, hint }) => (
          <Button key={set} title={hint} onClick={() => measure(set, title)}>
            {title}
          </Button>
        ))}
        <Select
          label="Time that a set may take"
          value={String(budget)}
          options={budgets.map((ms) => ({ value: String(ms), title: `within ${duration(ms)}` }))}
          onChange={(ms) => panel.change({ budget_ms: Number(ms) })}
        />
      </p>
      <div aria-live="polite">
        {jobs.map((job, at) => (
          <JobLine key={job.id} job={job} isRunning={at === 0} />
        ))}
      </div>
      {ending && "left" in ending && (
        <p class="row ending" role="status">
          <span class="dim">
            The budget ended {ending.title}; {thousands(ending.left)} are left unmeasured.
          </span>
        </p>
      )}
      {ending && "problem" in ending && <ProblemNote problem={ending.problem} />}
    </div>
  );
}

function JobLine({ job, isRunning }: { job: Job; isRunning: boolean }) {
  const panel = usePanel();
  const words = `${isRunning ? "Measuring" : "Waiting to measure"} ${job.title}`;
  const count =
    job.done > 0 ? `${thousands(job.done)}${job.expected ? ` of ${thousands(job.expected)}` : ""}` : "";
  return (
    <div class="job">
      <span>
        {words} <span class="number">{count}</span>
      </span>
      {isRunning && (
        <vscode-progress-bar
          aria-label={words}
          indeterminate={job.expected === null}
          value={job.done}
          max={job.expected ?? 1}
        />
      )}
      <Tiny label={`Stop measuring ${job.title}`} onClick={() => panel.measuring.stop(job.id)}>
        stop
      </Tiny>
    </div>
  );
}
