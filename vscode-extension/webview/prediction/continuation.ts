// Writing on behind the prompt, with and without switches, piece by piece as it comes.
// What must not live here: anything drawn.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Change, ContinuationPiece, ContinuedToken, StoppedBy } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { isCancelled, problemOf } from "../home";
import type { Problem } from "../messages";
import { usePanel } from "../panel_model";

export interface Side {
  tokens: readonly ContinuedToken[];
  stoppedBy: StoppedBy | null;
}

export interface Continuation {
  status: "none" | "writing" | "done" | "stopped" | "failed";
  /** With the switches, where there are any; else the only one. */
  written: Side;
  /** Without the switches; null where there are none. */
  unchanged: Side | null;
  problem: Problem | null;
}

const NOTHING: Side = { tokens: [], stoppedBy: null };
export const NOT_WRITTEN: Continuation = { status: "none", written: NOTHING, unchanged: null, problem: null };

/** Tokens written: as many as a report records. */
const MOST = 32;

/** Adds a piece to the side it belongs to. */
export function added(continuation: Continuation, piece: ContinuationPiece): Continuation {
  const grown = (side: Side | null): Side => ({
    tokens: [...(side?.tokens ?? []), ...piece.tokens],
    stoppedBy: null,
  });
  if (piece.side === "unchanged") return { ...continuation, unchanged: grown(continuation.unchanged) };
  return { ...continuation, written: grown(continuation.written) };
}

/** The first token in which two sides differ; null while they agree as far as both are written. */
export function firstDifference(a: readonly ContinuedToken[], b: readonly ContinuedToken[]): number | null {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) if (a[at]?.id !== b[at]?.id) return at;
  return null;
}

export function useContinuation(): {
  continuation: Continuation;
  start: (switches?: readonly Change[]) => void;
  stop: () => void;
  clear: () => void;
} {
  const panel = usePanel();
  const { shown: run } = useCell(panel.runs);
  const [continuation, setContinuation] = useState(NOT_WRITTEN);
  const writing = useRef<AbortController | null>(null);
  const giveUp = () => {
    writing.current?.abort();
    writing.current = null;
  };
  // Another run: what is written behind the one before is not about it.
  useEffect(() => {
    setContinuation(NOT_WRITTEN);
    return giveUp;
  }, [run?.id]);

  const start = (switches: readonly Change[] = []) => {
    if (!run) return;
    giveUp();
    const mine = new AbortController();
    writing.current = mine;
    const isMine = () => writing.current === mine;
    const change = (next: (now: Continuation) => Continuation) => {
      if (isMine()) setContinuation(next);
    };
    setContinuation({ ...NOT_WRITTEN, status: "writing", unchanged: switches.length > 0 ? NOTHING : null });
    const params =
      switches.length > 0 ? { max_tokens: MOST, switches: switches.flat() } : { max_tokens: MOST };
    panel.home
      .request("limpid/continue", params, {
        run: run.id,
        signal: mine.signal,
        // The pieces of `limpid/continue` are `ContinuationPiece`s.
        onPartial: (value) => change((now) => added(now, value as ContinuationPiece)),
      })
      .then(({ view }) => {
        change(() => ({
          status: "done",
          written: { tokens: view.tokens, stoppedBy: view.stopped_by },
          unchanged: view.unchanged
            ? { tokens: view.unchanged.tokens, stoppedBy: view.unchanged.stopped_by }
            : null,
          problem: null,
        }));
      })
      .catch((error: unknown) => {
        if (isCancelled(error)) return;
        change((now) => ({ ...now, status: "failed", problem: problemOf(error) }));
      });
  };
  const stop = () => {
    giveUp();
    setContinuation((now) => ({ ...now, status: "stopped" }));
  };
  const clear = () => {
    giveUp();
    setContinuation(NOT_WRITTEN);
  };
  return { continuation, start, stop, clear };
}
