// One inspection: what it is about, the answers it has so far, and how more are asked for. What must not live here: which runs
// there are, and anything that is drawn.
import * as vscode from "vscode";
import type {
  Answer,
  AttributionView,
  Methods,
  Position,
  Range,
  Subject,
  TargetChoice,
  TokensView,
} from "./generated/protocol";
import { canonical } from "../webview/canonical";
import type { Ask, Method, RunHead } from "../webview/messages";
import type { Server } from "./language_client";
import { asProblem, problem, ProblemError } from "./problems";

/** Where the prompt of a run stands. */
export interface Place {
  uri: string;
  /** The selection that is the prompt; undefined: the prompt at `at`, or the document. */
  range?: Range;
  at?: Position;
}

/** What is asked about it. */
export interface Question {
  place: Place;
  model?: string;
  target?: TargetChoice;
  /** Token id, or text. */
  foil?: number | string;
}

/** An answer kept, as reports record it. */
export interface Recorded {
  method: Method;
  params: object;
  result: unknown;
}

/** Answers with so many characters of JSON are asked for again rather than kept. */
const MOST_KEPT = 24 << 20;

/** Methods whose answers change with time, or with what was measured since. */
const NEVER_KEPT: ReadonlySet<Method> = new Set<Method>([
  "limpid/continue",
  "limpid/effect",
  "limpid/compare",
  "limpid/switches",
  "limpid/models",
  "limpid/status",
]);

let partials = 0;

export class Run {
  head: RunHead;
  analysis: string | undefined;
  private readonly kept = new Map<string, Recorded>();

  constructor(
    private readonly server: Server,
    readonly question: Question,
    readonly version: number,
    /** The document's text then. */
    readonly text: string,
    id: string,
    title: string,
  ) {
    this.head = {
      id,
      title,
      uri: question.place.uri,
      model: question.model ?? "",
      target: null,
      predictions: [],
      n_tokens: 0,
      objective: null,
      took_ms: 0,
      at: Date.now(),
      is_pinned: false,
      is_stale: false,
    };
  }

  /** The answers so far. */
  get recorded(): Recorded[] {
    return [...this.kept.values()];
  }

  /** As a subject: by its analysis, which needs no second forward pass. */
  subject(byPlace = false): Subject {
    const { place, model, target, foil } = this.question;
    if (this.analysis !== undefined && !byPlace) return { analysis: this.analysis };
    const version = this.document?.version ?? this.version;
    const prompt = { uri: place.uri, version, range: place.range ?? null, at: place.at ?? null };
    return { prompt, model: model ?? null, target: target ?? null, foil: foil ?? null };
  }

  /** The scores: the first answer, because heat is what is waited for. It names the analysis. */
  async begin(
    params: Ask<"limpid/attribution">,
    cancel?: vscode.CancellationToken,
  ): Promise<Answer<AttributionView>> {
    const started = Date.now();
    const answer = await this.ask("limpid/attribution", params, { cancel });
    this.head = {
      ...this.head,
      model: answer.model,
      target: answer.view.target,
      objective: answer.view.attribution.objective,
      n_tokens: answer.token_table.length,
      took_ms: Date.now() - started,
    };
    return answer;
  }

  /** The tokens with what is predicted behind them. */
  async predicted(cancel?: vscode.CancellationToken): Promise<TokensView> {
    const { view } = await this.ask("limpid/tokens", {}, { cancel });
    this.head = { ...this.head, predictions: view.predictions.slice(0, 3) };
    return view;
  }

  /** An answer kept, or asked for. */
  async ask<M extends Method>(
    method: M,
    params: Ask<M>,
    how: { cancel?: vscode.CancellationToken; partial?: (value: unknown) => void } = {},
  ): Promise<Methods[M]["result"]> {
    const key = `${method} ${canonical(params)}`;
    const known = this.kept.get(key);
    if (known) return known.result as Methods[M]["result"];
    const result = await this.sent(method, params, how);
    if (!NEVER_KEPT.has(method) && JSON.stringify(result).length <= MOST_KEPT) {
      this.kept.set(key, { method, params: JSON.parse(canonical(params)) as object, result });
    }
    return result;
  }

  /** Measured effects change what views answer: these are asked anew. */
  forgetScores(): void {
    for (const [key, { method }] of this.kept) {
      if (["limpid/attribution", "limpid/parts", "limpid/routes"].includes(method)) this.kept.delete(key);
    }
  }

  /** The open document, while it has the text of this run. */
  private get document(): vscode.TextDocument | undefined {
    const open = vscode.workspace.textDocuments.find(
      (known) => known.uri.toString() === this.question.place.uri,
    );
    return open?.getText() === this.text ? open : undefined;
  }

  /** After a reload the document may be closed. */
  private async openDocument(): Promise<void> {
    const uri = vscode.Uri.parse(this.question.place.uri);
    await this.server.open(this.document ?? (await vscode.workspace.openTextDocument(uri)));
    if (this.document === undefined) {
      throw problem("no-longer-kept", "The text has changed since, and the daemon no longer keeps this run.");
    }
  }

  private async sent<M extends Method>(
    method: M,
    params: Ask<M>,
    how: { cancel?: vscode.CancellationToken; partial?: (value: unknown) => void },
  ): Promise<Methods[M]["result"]> {
    try {
      return await this.send(method, params, how, false);
    } catch (error) {
      const failed = asProblem(error);
      // A daemon that was started anew knows no analysis of its forerunner, and one knows none of a text that was edited, even where it
      // is as it was again; the place says the same while the text stands.
      const isForgotten =
        failed.kind === "bad-request" && /no longer kept|not known|unknown analysis/.test(failed.message);
      const isEdited = failed.kind === "stale-version" && this.analysis !== undefined;
      if (isEdited && this.head.is_stale) throw new ProblemError(failed);
      if (!isForgotten && !isEdited) throw new ProblemError(failed);
      if (this.head.is_stale) {
        throw problem(
          "no-longer-kept",
          "The text has changed since, and the daemon no longer keeps this run.",
        );
      }
      this.analysis = undefined;
      await this.openDocument();
      return await this.send(method, params, how, true);
    }
  }

  private async send<M extends Method>(
    method: M,
    params: Ask<M>,
    how: { cancel?: vscode.CancellationToken; partial?: (value: unknown) => void },
    byPlace: boolean,
  ): Promise<Methods[M]["result"]> {
    const client = await this.server.started();
    const full: Record<string, unknown> = { ...params, subject: this.subject(byPlace) };
    let listening: vscode.Disposable | undefined;
    if (how.partial) {
      const token = `limpid/${process.pid}/${++partials}`;
      full["partial_result_token"] = token;
      const { PARTS } = await import("./client");
      listening = client.onProgress(PARTS, token, how.partial);
    }
    try {
      // An argument that is undefined would make a list of the params.
      const result = await (how.cancel
        ? client.sendRequest<Methods[M]["result"]>(method, full, how.cancel)
        : client.sendRequest<Methods[M]["result"]>(method, full));
      if (this.analysis === undefined && "analysis" in result) {
        this.analysis = result.analysis;
      }
      return result;
    } finally {
      listening?.dispose();
    }
  }
}
