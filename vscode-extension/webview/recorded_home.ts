// The panel's home where nothing can be asked: an offline report, which answers from what was recorded into it.
// What must not live here: anything drawn, how a head's rows are read from its maps (recorded_head.ts).
import type { Methods } from "../src/generated/protocol";
import { canonical } from "./canonical";
import {
  cancelled,
  ProblemError,
  type Abilities,
  type Home,
  type RecordedAnswer,
  type RequestOptions,
} from "./home";
import type { Ask, FromPanel, Method, PanelSettings, RunHead, ToPanel } from "./messages";
import { copy } from "./clipboard";
import { readNotes } from "./notes/notes";
import { headFromMaps } from "./recorded_head";

/** What stands in the report's `limpid-recorded` element. */
export interface Recorded {
  version: number;
  run: { title: string; model: string; took_ms: number; at: number };
  /** The prompt. */
  text: string;
  answers: RecordedAnswer[];
  /** Notes on the model's components; left out: none. */
  notes?: unknown;
}

/** The one run's name. */
const RUN = "recorded";

const NOT_RECORDED = "This is not part of this report; open the prompt in an editor with Limpid.";

export class RecordedHome implements Home {
  readonly can: Abilities;
  readonly recorded: readonly RecordedAnswer[];
  readonly #recording: Recorded;
  readonly #answers = new Map<string, unknown>();
  readonly #listeners = new Set<(message: ToPanel) => void>();
  #settings: PanelSettings = {
    routes_mass: 0.9,
    method: "atp",
    numbers: false,
    follow: false,
    effects_budget_ms: 2000,
  };
  state: unknown = null;

  constructor(recording: Recorded) {
    this.#recording = recording;
    this.recorded = recording.answers;
    for (const { method, params, result } of recording.answers) {
      this.#answers.set(keyOf(method, params), result);
    }
    const attribution = this.#first("limpid/attribution");
    if (attribution) this.#settings = { ...this.#settings, method: attribution.view.attribution.method };
    this.can = {
      measure: false,
      target: false,
      continue: recording.answers.some(({ method }) => method === "limpid/continue"),
      history: false,
      note: false,
      editor: false,
      save: [],
    };
  }

  request<M extends Method>(
    method: M,
    params: Ask<M>,
    options: RequestOptions,
  ): Promise<Methods[M]["result"]> {
    if (options.signal?.aborted) return Promise.reject(cancelled());
    const result = this.#answers.get(keyOf(method, params)) ?? this.#derived(method, params);
    if (result === undefined) {
      return Promise.reject(new ProblemError({ kind: "not-recorded", message: NOT_RECORDED, ways: [] }));
    }
    // What was recorded under a method is that method's result; only the token table is told once for all.
    return Promise.resolve(this.#whole(result) as Methods[M]["result"]);
  }

  send(message: FromPanel): void {
    if (message.type === "ready") this.#tell();
    if (message.type !== "command") return;
    if (message.command === "copyMarkdown" && isText(message.argument)) void copy(message.argument.text);
    if (message.command === "numbers" && isNumbers(message.argument)) {
      this.#settings = { ...this.#settings, numbers: message.argument.numbers };
      this.#tell();
    }
  }

  subscribe(listener: (message: ToPanel) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    const message: ToPanel = {
      type: "runs",
      shown: this.#run(),
      history: [],
      problem: null,
      busy: null,
      settings: this.#settings,
      models: [],
      notes: readNotes(this.#recording.notes),
    };
    for (const listener of [...this.#listeners]) listener(message);
  }

  #run(): RunHead | null {
    const tokens = this.#first("limpid/tokens");
    if (!tokens) return null;
    const { title, model, took_ms, at } = this.#recording.run;
    const attribution = this.#first("limpid/attribution");
    return {
      id: RUN,
      title,
      uri: "",
      model,
      target: tokens.view.target,
      predictions: tokens.view.predictions.slice(0, 3),
      n_tokens: tokens.token_table.length,
      objective: attribution?.view.attribution.objective ?? null,
      took_ms,
      at,
      is_pinned: false,
      is_stale: false,
    };
  }

  #first<M extends Method>(method: M): Methods[M]["result"] | undefined {
    const found = this.#recording.answers.find((answer) => answer.method === method);
    // The recording's maker answers with the method's result; a report is no place to check it again.
    return found?.result as Methods[M]["result"] | undefined;
  }

  #derived(method: Method, params: object): unknown {
    return method === "limpid/head" ? headFromMaps(this.recorded, params) : undefined;
  }

  /** A report may leave the token table out of all answers but the first, to stay small. */
  #whole(result: unknown): unknown {
    if (typeof result !== "object" || result === null || !("view" in result)) return result;
    const table = (result as { token_table?: unknown[] }).token_table;
    if (table && table.length > 0) return result;
    return { ...result, token_table: this.#first("limpid/tokens")?.token_table ?? [] };
  }
}

function keyOf(method: string, params: object): string {
  return `${method} ${canonical(params)}`;
}

function isText(argument: unknown): argument is { text: string } {
  return typeof argument === "object" && argument !== null && "text" in argument;
}

function isNumbers(argument: unknown): argument is { numbers: boolean } {
  return typeof argument === "object" && argument !== null && "numbers" in argument;
}

/** The recording in a report's element; null where there is none, or none that can be read. */
export function readRecorded(text: string | null): Recorded | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    if (typeof value !== "object" || value === null || !("answers" in value)) return null;
    return Array.isArray(value.answers) ? (value as Recorded) : null;
  } catch {
    return null;
  }
}
