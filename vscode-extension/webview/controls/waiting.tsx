// What stands where an answer will be: nothing for a moment, then that it is on its way, or calmly what went wrong.
// What must not live here: answers themselves.
import type { ComponentChildren } from "preact";
import type { AnswerState } from "../answers";
import type { Problem } from "../messages";
import { usePanel } from "../panel_model";
import { Button } from "./buttons";

/** Draws the answer's result, or why there is none yet. */
export function Waiting<T>(props: {
  answer: AnswerState<T> & { retry?: () => void };
  /** What is waited for, in words. */
  what: string;
  children: (result: T) => ComponentChildren;
}) {
  const { answer, what } = props;
  switch (answer.status) {
    case "none":
      return null;
    case "busy":
      // Drawn only after a moment, by its animation: an answer that comes at once makes nothing flicker.
      return (
        <p class="waiting" role="status">
          Reading {what} …
        </p>
      );
    case "failed":
      return <ProblemNote problem={answer.problem} retry={answer.retry} />;
    case "answer":
      return <>{props.children(answer.result)}</>;
  }
}

/** What, why, and what to do. */
export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const panel = usePanel();
  const isQuiet = problem.kind === "not-recorded";
  return (
    <div class={isQuiet ? "problem quiet" : "problem"} role={isQuiet ? "note" : "alert"}>
      <p>{problem.message}</p>
      {(problem.ways.length > 0 || (retry && !isQuiet)) && (
        <p class="row">
          {problem.ways.map(({ title, command, argument }) => (
            <Button key={title} onClick={() => panel.command("run", { command, argument })}>
              {title}
            </Button>
          ))}
          {retry && !isQuiet && <Button onClick={retry}>Try again</Button>}
        </p>
      )}
    </div>
  );
}
