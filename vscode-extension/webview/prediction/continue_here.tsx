// "Continue": writes on behind the prompt, right below the prediction.
// What must not live here: continuations with switches (effects/side_by_side.tsx).
import { Tiny } from "../controls/buttons";
import { ProblemNote } from "../controls/waiting";
import { usePanel } from "../panel_model";
import type { useContinuation } from "./continuation";
import { WrittenText } from "./written_text";

type Writing = ReturnType<typeof useContinuation>;

/** The button, for the section's heading. */
export function ContinueButton({ writing }: { writing: Writing }) {
  const panel = usePanel();
  if (!panel.home.can.continue) return null;
  return writing.continuation.status === "writing" ? (
    <Tiny onClick={writing.stop}>stop</Tiny>
  ) : (
    <Tiny title="Let the model write on: 32 tokens, the likeliest each time" onClick={() => writing.start()}>
      continue
    </Tiny>
  );
}

/** What was written; nothing before. */
export function ContinueHere({ writing }: { writing: Writing }) {
  const panel = usePanel();
  const { status, written, problem } = writing.continuation;
  if (status === "none") return null;
  const text = written.tokens.map((token) => token.text).join("");
  return (
    <div class="continue" aria-busy={status === "writing"}>
      <div class="continued" aria-live="polite">
        <WrittenText side={written} />
      </div>
      {status !== "writing" && (
        <span class="row">
          {panel.home.can.editor && text !== "" && (
            <Tiny
              label="Insert behind the prompt"
              onClick={() => panel.command("insertContinuation", { text })}
            >
              insert
            </Tiny>
          )}
          <Tiny label="Clear the continuation" onClick={writing.clear}>
            clear
          </Tiny>
        </span>
      )}
      {problem && <ProblemNote problem={problem} />}
    </div>
  );
}
