// Answers about the run shown: each is asked for once, kept while the run is, and cancelled when nobody waits for it any more.
// What must not live here: measuring (measuring.ts), anything drawn.
import { useLayoutEffect, useMemo } from "preact/hooks";
import type { Methods } from "../src/generated/protocol";
import { canonical } from "./canonical";
import { Cell, useCell } from "./cell";
import { isCancelled, problemOf, type Home } from "./home";
import type { Ask, Method, Problem } from "./messages";

export type AnswerState<T> =
  | { status: "none" }
  | { status: "busy" }
  | { status: "answer"; result: T }
  | { status: "failed"; problem: Problem };

const NONE = new Cell<AnswerState<never>>({ status: "none" });
const BUSY: AnswerState<never> = { status: "busy" };

/** Runs whose answers are kept. */
const MOST_RUNS = 4;

interface Entry {
  state: Cell<AnswerState<unknown>>;
  users: number;
  stop: AbortController | null;
  ask: () => void;
}

/** All answers of the last few runs. */
export class Answers {
  readonly #home: Home;
  readonly #runs = new Map<string, Map<string, Entry>>();

  constructor(home: Home) {
    this.#home = home;
  }

  /** The entry of a question; asking starts when it gets its first user. */
  entry<M extends Method>(run: string, method: M, params: Ask<M>): Entry {
    const answers = this.#answersOf(run);
    const key = `${method} ${canonical(params)}`;
    const known = answers.get(key);
    if (known) return known;
    const entry: Entry = {
      state: new Cell<AnswerState<unknown>>(BUSY),
      users: 0,
      stop: null,
      ask: () => {
        const stop = new AbortController();
        entry.stop = stop;
        entry.state.value = BUSY;
        this.#home
          .request(method, params, { run, signal: stop.signal })
          .then((result) => {
            entry.state.value = { status: "answer", result };
          })
          .catch((error: unknown) => {
            if (!isCancelled(error)) entry.state.value = { status: "failed", problem: problemOf(error) };
          })
          .finally(() => {
            if (entry.stop === stop) entry.stop = null;
          });
      },
    };
    answers.set(key, entry);
    return entry;
  }

  /** What was answered already; null where it was not. */
  known<M extends Method>(run: string, method: M, params: Ask<M>): Methods[M]["result"] | null {
    const state = this.#runs.get(run)?.get(`${method} ${canonical(params)}`)?.state.value;
    return state?.status === "answer" ? (state.result as Methods[M]["result"]) : null;
  }

  #answersOf(run: string): Map<string, Entry> {
    const known = this.#runs.get(run);
    // Put last: the run longest unused is forgotten first.
    this.#runs.delete(run);
    const answers = known ?? new Map<string, Entry>();
    this.#runs.set(run, answers);
    for (const old of this.#runs.keys()) {
      if (this.#runs.size <= MOST_RUNS) break;
      this.#runs.delete(old);
    }
    return answers;
  }
}

function use(entry: Entry): () => void {
  entry.users += 1;
  const isAsked = entry.stop !== null || entry.state.value.status === "answer";
  if (!isAsked) entry.ask();
  return () => {
    entry.users -= 1;
    if (entry.users > 0 || !entry.stop) return;
    // Put off: a component that is drawn anew with the same question takes it over within the same tick.
    queueMicrotask(() => {
      if (entry.users === 0 && entry.state.value.status === "busy") {
        entry.stop?.abort();
        entry.stop = null;
      }
    });
  };
}

/** Asks while the component is there; `params` null: nothing to ask. */
export function useAnswerOf<M extends Method>(
  answers: Answers,
  run: string | null,
  method: M,
  params: Ask<M> | null,
): AnswerState<Methods[M]["result"]> & { retry: () => void } {
  const key = run !== null && params ? `${run} ${method} ${canonical(params)}` : null;
  const entry = useMemo(
    () => (run !== null && params ? answers.entry(run, method, params) : null),
    [answers, key],
  );
  useLayoutEffect(() => (entry ? use(entry) : undefined), [entry]);
  const state = useCell<AnswerState<unknown>>(entry?.state ?? NONE);
  // The entry's method is `method`, so its results are of that type.
  return { ...(state as AnswerState<Methods[M]["result"]>), retry: () => entry?.ask() };
}
