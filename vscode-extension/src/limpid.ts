// The heart of the extension: carries a gesture from the question to heat on the text and a run in the panel. Everything else hangs
// on it. What must not live here: drawing, pickers, the panel's messages.
import * as vscode from "vscode";
import type { AttributionView, Answer, TargetChoice } from "./generated/protocol";
import { signed } from "../webview/display";
import type { Ask, Problem } from "../webview/messages";
import { Heat } from "./heat";
import { Server } from "./language_client";
import { KeptNotes } from "./notes";
import { models } from "./pickers";
import { placeOf, type Found } from "./places";
import { asProblem, isSuperseded } from "./problems";
import { Run, type Question } from "./run";
import { Runs } from "./runs";
import { settings } from "./settings";
import { TakenDocuments } from "./taken_documents";

/** What heat shows, and nothing that costs routes: these come when the panel asks. */
function heatParams(): Ask<"limpid/attribution"> {
  return { methods: [settings.method()], top: 0 };
}

/** Between two looks at a model that is being loaded. */
const LOOK_MS = 250;

function isGivenUp(cancel: vscode.CancellationToken): boolean {
  return cancel.isCancellationRequested;
}

export interface Busy {
  message: string;
  share: number | null;
}

/** `Loading SmolLM2 55 %` */
export function busyWords({ message, share }: Busy): string {
  return share === null ? message : `${message} ${Math.floor(share * 100)} %`;
}

export class Limpid implements vscode.Disposable {
  readonly taken = new TakenDocuments();
  readonly server: Server;
  readonly runs: Runs;
  readonly heat = new Heat();
  readonly notes: KeptNotes;
  problem: Problem | undefined;
  busy: Busy | undefined;
  numbers = false;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Anything that is shown beside the text changed. */
  readonly onDidChange = this.changed.event;
  private asking: vscode.CancellationTokenSource | undefined;

  constructor(
    readonly context: vscode.ExtensionContext,
    readonly output: vscode.LogOutputChannel,
  ) {
    this.server = new Server(context, this.taken, output);
    this.server.isPainted = (document) => this.heat.shown?.uri === document.uri.toString();
    this.notes = new KeptNotes(context.globalStorageUri.fsPath);
    this.runs = new Runs(context, this.server);
    // After a reload the run shown is there before the server is.
    this.server.onDidChange((state) => {
      const run = this.runs.shown;
      if (state === "on" && run && !run.head.is_stale && !this.heat.shown) void this.paint();
    });
    this.runs.onDidChange(() => {
      void this.paint();
      this.changed.fire();
    });
  }

  /** Says what goes on, or that nothing does. */
  become(busy: Busy | undefined): void {
    this.busy = busy;
    this.changed.fire();
  }

  /** A problem stands in the panel and the status bar; a dialog comes only where neither can be seen. */
  failed(error: unknown): void {
    const problem = asProblem(error);
    if (isSuperseded(problem)) return;
    this.output.warn(`${problem.kind}: ${problem.message}`);
    this.problem = problem;
    this.busy = undefined;
    this.changed.fire();
  }

  /** The problem is over. */
  recovered(): void {
    this.problem = undefined;
    this.changed.fire();
  }

  /** Inspects the prompt that a gesture is about, as the newest question of this window. */
  async inspect(argument?: unknown, over: Partial<Question> = {}): Promise<Run | undefined> {
    this.asking?.cancel();
    const asking = (this.asking = new vscode.CancellationTokenSource());
    this.problem = undefined;
    try {
      const found = await placeOf(argument);
      return await this.asked(found, over, asking.token);
    } catch (error) {
      if (!asking.token.isCancellationRequested) this.failed(error);
      return undefined;
    } finally {
      if (this.asking === asking) {
        this.asking = undefined;
        this.become(undefined);
      }
      asking.dispose();
    }
  }

  private async asked(
    found: Found,
    over: Partial<Question>,
    cancel: vscode.CancellationToken,
  ): Promise<Run | undefined> {
    const question: Question = { place: found.place, model: this.model(), ...over };
    this.become({ message: this.server.running ? "Reading the prompt" : "Starting Limpid", share: null });
    await this.server.open(found.document);
    const run = this.runs.make(question, found.document, found.title);
    const { model } = question;
    const says = (busy: Busy) => this.become(busy);
    await this.whenLoaded(() => run.begin(heatParams(), cancel), { cancel, says, model });
    if (isGivenUp(cancel)) return undefined;
    run.head = { ...run.head, is_stale: found.document.getText() !== run.text };
    this.runs.show(run);
    await run.predicted(cancel);
    if (isGivenUp(cancel)) return undefined;
    this.runs.touched();
    return run;
  }

  /** The same prompt as it is now, or with something else asked about it. */
  async again(over: Partial<Question> = {}): Promise<Run | undefined> {
    const isOpen = (run: Run) =>
      vscode.workspace.textDocuments.some((open) => open.uri.toString() === run.head.uri);
    const before = vscode.window.activeTextEditor ? undefined : this.runs.all.find(isOpen);
    const shown = this.runs.shown ?? before;
    if (!shown) return await this.inspect(undefined, over);
    const { place, model, target, foil } = shown.question;
    const argument = {
      uri: place.uri,
      position: place.range?.start ?? place.at ?? { line: 0, character: 0 },
    };
    return await this.inspect(argument, { model, target, foil, place, ...over });
  }

  /** In a restricted workspace the user's own model is named with each question, whatever the folder says. */
  private model(): string | undefined {
    if (vscode.workspace.isTrusted) return undefined;
    const inspected = vscode.workspace.getConfiguration("limpid").inspect<string>("model");
    return inspected?.globalValue ?? undefined;
  }

  /** Asks; where the model is still being loaded, waits for it, saying how far it is, and asks again. */
  async whenLoaded<T>(
    ask: () => Promise<T>,
    how: { cancel: vscode.CancellationToken; says: (busy: Busy) => void; model?: string },
  ): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (asProblem(error).kind !== "model-loading") throw error;
        how.says(await this.loading(how.model));
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        if (how.cancel.isCancellationRequested) throw new vscode.CancellationError();
      }
    }
  }

  /** What is being loaded, and how far it is. */
  private async loading(model: string | undefined): Promise<Busy> {
    const rows = await models(this);
    const busy = rows.find(
      (row) =>
        (row.state === "loading" || row.state === "fetching") && (model === undefined || row.name === model),
    );
    const verb = busy?.state === "fetching" ? "Fetching" : "Loading";
    return { message: `${verb} ${busy?.name ?? model ?? "the model"}`, share: busy?.progress ?? null };
  }

  /** Explains another token, or compares with another foil, about the prompt shown. */
  async retarget(target: TargetChoice | undefined, foil: number | string | undefined): Promise<void> {
    await this.again({ target, foil });
  }

  /** Scores of the run shown, onto the text. */
  async paint(): Promise<void> {
    const run = this.runs.shown;
    if (!run) {
      this.heat.paint(undefined);
      return;
    }
    let answer: Answer<AttributionView>;
    try {
      answer = await run.ask("limpid/attribution", heatParams());
    } catch (error) {
      if (this.runs.shown === run) this.failed(error);
      return;
    }
    if (this.runs.shown !== run) return;
    const { view } = answer;
    const effects = view.attribution.effects ?? [];
    this.heat.paint({
      uri: run.head.uri,
      tokens: answer.token_table,
      view,
      position: view.target.position,
      stale: run.head.is_stale,
      says: (index) => {
        const effect = effects[index];
        if (effect !== null && effect !== undefined) return signed(effect);
        return `~${signed(view.attribution.scores[index] ?? 0)}`;
      },
    });
    void vscode.commands.executeCommand("setContext", "limpid.hasHeat", true);
  }

  /** Heat and run go; the text is as it was. */
  hide(): void {
    this.asking?.cancel();
    this.problem = undefined;
    this.runs.hide();
    void vscode.commands.executeCommand("setContext", "limpid.hasHeat", false);
  }

  dispose(): void {
    this.asking?.cancel();
    this.heat.dispose();
    this.runs.dispose();
    this.server.dispose();
    this.changed.dispose();
  }
}
