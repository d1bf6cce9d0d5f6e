// What the model writes on with the switches and without them, side by side; the first token that differs is marked.
// What must not live here: the switches.
import { Button } from "../controls/buttons";
import { ProblemNote } from "../controls/waiting";
import type { Switch } from "../panel_state";
import { firstDifference, useContinuation } from "../prediction/continuation";
import { WrittenText } from "../prediction/written_text";

export function SideBySide({ switches }: { switches: readonly Switch[] }) {
  const { continuation, start, stop } = useContinuation();
  const { status, written, unchanged, problem } = continuation;
  const on = switches.filter((one) => one.on).map(({ change }) => change);
  if (switches.length === 0 && status === "none") return null;
  const differsAt = unchanged ? firstDifference(written.tokens, unchanged.tokens) : null;
  return (
    <div class="side-by-side">
      <p class="row">
        {status === "writing" ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button disabled={on.length === 0} onClick={() => start(on)}>
            Continue with and without
          </Button>
        )}
        {status === "done" && (
          <span class="dim">
            {differsAt === null ? "both write the same" : `they part at token ${differsAt + 1}`}
          </span>
        )}
      </p>
      {unchanged && (
        <div class="columns" aria-live="polite">
          <div>
            <h4>with the switches</h4>
            <WrittenText side={written} differsAt={differsAt} />
          </div>
          <div>
            <h4>without</h4>
            <WrittenText side={unchanged} differsAt={differsAt} />
          </div>
        </div>
      )}
      {problem && <ProblemNote problem={problem} />}
    </div>
  );
}
