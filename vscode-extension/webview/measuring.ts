// Measuring: one job at a time, because the daemon stops an older one about the same document when a newer comes.
// What must not live here: merging what comes back (measured.ts), anything drawn.
import type { EffectRow, EffectView } from "../src/generated/protocol";
import { Cell } from "./cell";
import { isCancelled, problemOf, type Home } from "./home";
import type { Ask, Problem } from "./messages";
import { merge, NOTHING_MEASURED, type Measured } from "./measured";

/** Something being measured, or waiting to be. */
export interface Job {
  readonly id: number;
  /** In words: `heads`, `L9H6 off`. */
  readonly title: string;
  readonly params: Ask<"limpid/effect">;
  /** Runs it takes; null: not known before. */
  readonly expected: number | null;
  /** Rows that came. */
  readonly done: number;
}

/** How the last job ended, where that is worth a sentence. */
export type Ending = { title: string; left: number } | { title: string; problem: Problem };

/** Runs whose measurements are kept. */
const MOST_RUNS = 8;

export class Measuring {
  readonly measured = new Cell<Measured>(NOTHING_MEASURED);
  readonly jobs = new Cell<readonly Job[]>([]);
  readonly ending = new Cell<Ending | null>(null);
  /** Effects below it count as none, nats. */
  readonly floor = new Cell(0.05);
  readonly #home: Home;
  readonly #kept = new Map<string, Measured>();
  #run: string | null = null;
  #stop: AbortController | null = null;
  #last = 0;

  constructor(home: Home) {
    this.#home = home;
  }

  /** Another run is shown: what is measured now was about the one before. */
  show(run: string | null): void {
    if (run === this.#run) return;
    if (this.#run !== null) {
      this.#kept.set(this.#run, this.measured.value);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > MOST_RUNS && oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#run = run;
    this.#halt();
    this.jobs.value = [];
    this.ending.value = null;
    this.measured.value = (run !== null && this.#kept.get(run)) || this.#recorded();
  }

  /** Takes rows that somebody else had measured of a run. */
  take(run: string, rows: readonly EffectRow[]): void {
    if (run === this.#run) this.measured.value = merge(this.measured.value, rows);
    else this.#kept.set(run, merge(this.#kept.get(run) ?? NOTHING_MEASURED, rows));
  }

  /** Measures; a single change goes ahead of a set that is being measured, which is taken up again behind it. */
  measure(title: string, params: Ask<"limpid/effect">, expected: number | null): void {
    const job: Job = { id: ++this.#last, title, params, expected, done: 0 };
    const [running, ...waiting] = this.jobs.value;
    this.ending.value = null;
    if (running && params.interventions?.length === 1 && !running.params.interventions) {
      this.#halt();
      this.jobs.value = [job, running, ...waiting];
      this.#next();
      return;
    }
    this.jobs.value = [...this.jobs.value, job];
    if (!running) this.#next();
  }

  /** Gives up a job; what it measured so far stays. */
  stop(id: number): void {
    const [running] = this.jobs.value;
    this.jobs.value = this.jobs.value.filter((job) => job.id !== id);
    if (running?.id !== id) return;
    this.#halt();
    this.#next();
  }

  #halt(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  #next(): void {
    const [job] = this.jobs.value;
    if (!job || this.#run === null) return;
    const stop = new AbortController();
    this.#stop = stop;
    const isMine = () => this.#stop === stop;
    const onPartial = (value: unknown) => {
      // The pieces of `limpid/effect` are rows: `EffectProgress` of the protocol.
      if (isMine()) this.#count(job.id, value as EffectRow[]);
    };
    this.#home
      .request("limpid/effect", job.params, { run: this.#run, signal: stop.signal, onPartial })
      .then(({ view }) => {
        if (isMine()) this.#finish(job, view);
      })
      .catch((error: unknown) => {
        if (!isMine()) return;
        if (!isCancelled(error)) this.ending.value = { title: job.title, problem: problemOf(error) };
        this.#drop(job.id);
      });
  }

  #count(id: number, rows: readonly EffectRow[]): void {
    this.measured.value = merge(this.measured.value, rows);
    this.jobs.value = this.jobs.value.map((job) =>
      job.id === id ? { ...job, done: job.done + rows.length } : job,
    );
  }

  #finish(job: Job, view: EffectView): void {
    this.floor.value = view.floor;
    this.measured.value = merge(this.measured.value, view.effects);
    if (view.is_cut_short) this.ending.value = { title: job.title, left: view.unmeasured.length };
    this.#drop(job.id);
  }

  #drop(id: number): void {
    this.#stop = null;
    this.jobs.value = this.jobs.value.filter((job) => job.id !== id);
    this.#next();
  }

  /** What a report holds of measurements. */
  #recorded(): Measured {
    return this.#home.recorded
      .filter(({ method }) => method === "limpid/effect")
      .reduce(
        (all, { result }) => merge(all, (result as { view: EffectView }).view.effects),
        NOTHING_MEASURED,
      );
  }
}
