// What the panel needs from the place it runs in: VS Code's webview, an offline report, a browser page.
// What must not live here: any of those places (vscode_home.ts, recorded_home.ts), anything drawn.
import type { Methods } from "../src/generated/protocol";
import type { Ask, FromPanel, Method, Problem, SaveKind, ToPanel } from "./messages";

/** What can be done here beyond looking; what cannot is not offered. */
export interface Abilities {
  /** Running the model again: effects, switches, comparisons. */
  readonly measure: boolean;
  /** Another target, foil or model, and inspecting again. */
  readonly target: boolean;
  /** Writing on behind the prompt. */
  readonly continue: boolean;
  /** Earlier runs. */
  readonly history: boolean;
  /** Writing notes on components. */
  readonly note: boolean;
  /** An editor that shows places of the prompt, and takes text. */
  readonly editor: boolean;
  /** Kinds that the run can be saved as. */
  readonly save: readonly SaveKind[];
}

/** How a request is made. */
export interface RequestOptions {
  /** The run it is about; null: about no prompt. */
  run: string | null;
  /** Aborting it cancels the request; the promise then rejects with a problem of the kind `cancelled`. */
  signal?: AbortSignal;
  /** Takes each piece of an answer that streams. */
  onPartial?: (value: unknown) => void;
}

/** An answer that was given before: what a report holds. */
export interface RecordedAnswer {
  method: Method;
  params: object;
  result: unknown;
}

/** The place the panel runs in. */
export interface Home {
  readonly can: Abilities;
  /** Answers that can be shown without asking; none in an editor. */
  readonly recorded: readonly RecordedAnswer[];
  /** Rejects with a `ProblemError`. */
  request<M extends Method>(
    method: M,
    params: Ask<M>,
    options: RequestOptions,
  ): Promise<Methods[M]["result"]>;
  send(message: FromPanel): void;
  /** Calls `listener` with what the home says of itself; returns how to stop. */
  subscribe(listener: (message: ToPanel) => void): () => void;
  /** What the panel looked like when it was last here; plain JSON. */
  state: unknown;
}

/** A request that was not answered, and why. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** What went wrong, as a problem, whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { kind: "panel", message: error instanceof Error ? error.message : String(error), ways: [] };
}

/** The request was given up by the panel itself: nothing to show. */
export function isCancelled(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.kind === "cancelled";
}

/** The rejection of a request that was given up. */
export function cancelled(): ProblemError {
  return new ProblemError({ kind: "cancelled", message: "Stopped.", ways: [] });
}
