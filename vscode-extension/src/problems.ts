// Errors as a person meets them: a sentence and ways out. What must not live here: showing them.
import * as vscode from "vscode";
import type { Problem } from "../webview/messages";
import type { ErrorData } from "./generated/protocol";
import { BinaryProblem } from "./binary";

/** What went wrong, thrown. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

const LOG = { title: "Show log", command: "limpid.showLog" };
const RESTART = { title: "Restart", command: "limpid.restart" };
const CHOOSE_MODEL = { title: "Choose a model", command: "limpid.chooseModel" };
const UNLOAD = { title: "Unload a model", command: "limpid.unloadModel" };
const CHOOSE_BINARY = { title: "Choose the binary", command: "limpid.choosePath" };
const REFRESH = { title: "Inspect again", command: "limpid.refresh" };

/** Ways out of each kind of error; the sentence is the daemon's. */
function ways(kind: string): Problem["ways"] {
  switch (kind) {
    case "model-not-found":
    case "fetch-failed":
    case "unknown-family":
    case "malformed-file":
      return [CHOOSE_MODEL, LOG];
    case "memory-budget":
      return [
        {
          title: "Change the memory budget",
          command: "limpid.openSettings",
          argument: "limpid.memoryBudget",
        },
        UNLOAD,
        CHOOSE_MODEL,
      ];
    case "context-window":
      return [CHOOSE_MODEL];
    case "no-editor":
      return [{ title: "Open a sample", command: "limpid.tour" }];
    case "device":
      return [{ title: "Choose a device", command: "limpid.chooseDevice" }, LOG];
    case "stale-version":
    case "no-longer-kept":
      return [REFRESH];
    case "no-binary":
    case "not-limpid":
    case "wrong-version":
      return [CHOOSE_BINARY, { title: "How to get it", command: "limpid.walkthrough" }];
    case "internal":
    case "stopped":
      return [RESTART, LOG];
    default:
      return [];
  }
}

/** A problem of the editor's own. */
export function problem(kind: string, message: string): ProblemError {
  return new ProblemError({ kind, message, ways: ways(kind) });
}

/** First letter large, a full stop at the end: sentences of the daemon are written small. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const large = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(large) ? large : `${large}.`;
}

/** An error that the server answered: the library's class is not read for it. */
function isResponseError(error: unknown): error is Error & { code: number; data?: unknown } {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof BinaryProblem) {
    return { kind: error.kind, message: sentence(error.message), ways: ways(error.kind) };
  }
  if (isResponseError(error)) {
    const data = error.data as Partial<ErrorData> | undefined;
    const kind = data?.kind ?? (error.code === -32800 ? "cancelled" : "internal");
    return { kind, message: sentence(error.message), ways: ways(kind) };
  }
  if (error instanceof vscode.CancellationError) {
    return { kind: "cancelled", message: "Cancelled.", ways: [] };
  }
  const message = error instanceof Error ? error.message : String(error);
  const gone = /connection|disposed|not running|stopped|stream/i.test(message);
  return gone
    ? { kind: "stopped", message: "The Limpid daemon went away while it was asked.", ways: ways("stopped") }
    : { kind: "internal", message: sentence(message), ways: ways("internal") };
}

/** Kinds that are no news: somebody asked for something newer. */
export function isSuperseded(problem: Problem): boolean {
  return problem.kind === "cancelled" || problem.kind === "stale-version";
}
