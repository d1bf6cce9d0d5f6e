// Earlier runs: open one, pin it, forget it.
// What must not live here: comparing them (compare/).
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { Icon } from "../controls/icons";
import { Section } from "../controls/section";
import { TokenText } from "../controls/token_text";
import { probability, thousands } from "../display";
import type { RunHead } from "../messages";
import { usePanel } from "../panel_model";

export function HistorySection() {
  const panel = usePanel();
  const { history, shown } = useCell(panel.runs);
  if (!panel.home.can.history) return null;
  return (
    <Section name="history" title="History" note={history.length > 0 ? String(history.length) : undefined}>
      {() =>
        history.length === 0 ? (
          <p class="dim">Runs that you look at are listed here.</p>
        ) : (
          <ul class="runs">
            {history.map((run) => (
              <RunLine key={run.id} run={run} isShown={run.id === shown?.id} />
            ))}
          </ul>
        )
      }
    </Section>
  );
}

function RunLine({ run, isShown }: { run: RunHead; isShown: boolean }) {
  const panel = usePanel();
  const [best] = run.predictions;
  return (
    <li class={isShown ? "selected" : ""}>
      <button
        type="button"
        class="link"
        aria-current={isShown ? "true" : undefined}
        title={`${run.uri}\n${run.model}, ${thousands(run.n_tokens)} tokens`}
        onClick={() => panel.command("showRun", { id: run.id })}
      >
        {run.title}
      </button>
      <span class="facts-line">
        {best && (
          <>
            <TokenText text={best.text} /> {probability(best.prob)}
          </>
        )}
        <span class="dim">
          {" "}
          {run.model} · {timeOfDay(run.at)}
          {run.is_stale ? " · text changed" : ""}
        </span>
      </span>
      <Tiny
        label={run.is_pinned ? `Unpin ${run.title}` : `Pin ${run.title}`}
        pressed={run.is_pinned}
        onClick={() => panel.command("pin", { id: run.id, is_pinned: !run.is_pinned })}
      >
        <Icon name="pin" />
      </Tiny>
      <Tiny label={`Forget ${run.title}`} onClick={() => panel.command("forgetRun", { id: run.id })}>
        <Icon name="close" />
      </Tiny>
    </li>
  );
}

/** `14:03`, or the date where it is not today's. */
export function timeOfDay(at: number, now = Date.now()): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString([], { month: "short", day: "numeric" });
}
