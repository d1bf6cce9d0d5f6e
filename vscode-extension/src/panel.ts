// The panel's home in VS Code: the view in the side bar and the same as an editor tab. Carries messages between panel and daemon.
// What must not live here: what a run is, what commands do.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { ModelRow } from "./generated/protocol";
import type { Ask, FromPanel, Method, Selection, ToPanel } from "../webview/messages";
import type { Limpid } from "./limpid";
import { models } from "./pickers";
import { asProblem, problem } from "./problems";
import { forPanel } from "./settings";

export const VIEW = "limpid.panel.view";
const TAB = "limpid.panel.tab";

/** What a panel asks beside the daemon's answers; `commands.ts` carries it out. */
export type PanelCommands = (
  message: Extract<FromPanel, { type: "command" | "save" | "reveal" }>,
) => Promise<void>;

function html(webview: vscode.Webview, extension: vscode.Uri): string {
  const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(extension, "dist", name)).toString();
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    // Components set sizes by style attributes; no style sheet but ours is loaded.
    `style-src ${webview.cspSource} 'unsafe-inline'`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data: blob:`,
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<title>Limpid</title>
<link rel="stylesheet" href="${at("panel.css")}">
</head>
<body>
<div id="limpid"></div>
<script nonce="${nonce}" src="${at("panel.js")}"></script>
</body>
</html>`;
}

/** One webview that shows the panel. */
class Shown {
  private readonly underWay = new Map<number, vscode.CancellationTokenSource>();
  private readonly listening: vscode.Disposable[] = [];
  private isReady = false;
  private waiting: ToPanel[] = [];

  constructor(
    readonly webview: vscode.Webview,
    private readonly limpid: Limpid,
    private readonly panels: Panels,
  ) {
    webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(limpid.context.extensionUri, "dist")],
    };
    this.listening.push(webview.onDidReceiveMessage((message: FromPanel) => void this.received(message)));
    webview.html = html(webview, limpid.context.extensionUri);
  }

  tell(message: ToPanel): void {
    if (this.isReady) void this.webview.postMessage(message);
    else if (message.type !== "runs") this.waiting.push(message);
  }

  private async received(message: FromPanel): Promise<void> {
    switch (message.type) {
      case "ready":
        this.isReady = true;
        this.tell(this.panels.runs());
        for (const one of this.waiting.splice(0)) this.tell(one);
        return;
      case "request":
        return await this.answered(message);
      case "cancel":
        this.underWay.get(message.id)?.cancel();
        return;
      case "point":
        this.limpid.heat.point(message.token);
        return;
      default:
        try {
          await this.panels.commands(message);
        } catch (error) {
          this.limpid.failed(error);
        }
    }
  }

  private async answered(message: Extract<FromPanel, { type: "request" }>): Promise<void> {
    const { id, method, params } = message;
    const cancel = new vscode.CancellationTokenSource();
    this.underWay.set(id, cancel);
    try {
      const partial = (value: unknown) => this.tell({ type: "partial", id, value });
      const result = await this.asked(message.run, method, params, cancel.token, partial);
      if (!cancel.token.isCancellationRequested) this.tell({ type: "answer", id, result });
    } catch (error) {
      this.tell({ type: "failed", id, problem: asProblem(error) });
    } finally {
      this.underWay.delete(id);
      cancel.dispose();
    }
  }

  private async asked(
    runId: string | null,
    method: Method,
    params: object,
    cancel: vscode.CancellationToken,
    partial: (value: unknown) => void,
  ): Promise<unknown> {
    if (runId === null) {
      const client = await this.limpid.server.started();
      return await client.sendRequest(method, params, cancel);
    }
    const run = this.limpid.runs.find(runId);
    if (!run) throw problem("no-longer-kept", "This run was forgotten. Inspect the prompt again.");
    const streams = method === "limpid/continue" || method === "limpid/effect";
    const full = method === "limpid/compare" ? this.named(params as Ask<"limpid/compare">) : params;
    const result = await run.ask(method, full, {
      cancel,
      ...(streams ? { partial } : {}),
    });
    if (method === "limpid/effect") this.panels.measured(run.head.id);
    return result;
  }

  /** Other runs are named by their ids in the panel, and by their analyses to the daemon. */
  private named(params: Ask<"limpid/compare">): Ask<"limpid/compare"> {
    const others = params.with as (Ask<"limpid/compare">["with"][number] & { run?: string })[];
    const subjects = others.map(({ run: id, ...subject }) => {
      const run = id === undefined ? undefined : this.limpid.runs.find(id);
      return run ? { ...run.subject(), ...subject } : subject;
    });
    return { ...params, with: subjects };
  }

  dispose(): void {
    for (const cancel of this.underWay.values()) cancel.cancel();
    for (const one of this.listening) one.dispose();
  }
}

export class Panels implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly shown = new Set<Shown>();
  private view: vscode.WebviewView | undefined;
  private tab: vscode.WebviewPanel | undefined;
  private models: ModelRow[] = [];
  private readonly listening: vscode.Disposable[] = [];
  commands: PanelCommands = () => Promise.resolve();

  constructor(private readonly limpid: Limpid) {
    const options = { webviewOptions: { retainContextWhenHidden: true } };
    this.listening.push(
      vscode.window.registerWebviewViewProvider(VIEW, this, options),
      vscode.window.registerWebviewPanelSerializer(TAB, {
        deserializeWebviewPanel: (panel) => {
          this.adopt(panel);
          return Promise.resolve();
        },
      }),
      limpid.onDidChange(() => this.refresh()),
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const shown = this.add(view.webview);
    view.onDidDispose(() => {
      this.remove(shown);
      this.view = undefined;
    });
    void this.learnModels();
  }

  private add(webview: vscode.Webview): Shown {
    const shown = new Shown(webview, this.limpid, this);
    this.shown.add(shown);
    return shown;
  }

  private remove(shown: Shown): void {
    shown.dispose();
    this.shown.delete(shown);
  }

  /** Brings the panel to the front; the text keeps the focus. */
  async reveal(): Promise<void> {
    if (this.tab?.visible) return;
    if (this.view) {
      this.view.show(true);
      return;
    }
    await vscode.commands.executeCommand(`${VIEW}.focus`, { preserveFocus: true });
  }

  /** The panel as an editor tab. */
  openTab(): void {
    if (this.tab) {
      this.tab.reveal();
      return;
    }
    const column = vscode.ViewColumn.Beside;
    this.adopt(vscode.window.createWebviewPanel(TAB, "Limpid", column, { retainContextWhenHidden: true }));
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.tab = panel;
    panel.iconPath = vscode.Uri.joinPath(this.limpid.context.extensionUri, "media", "limpid.svg");
    const shown = this.add(panel.webview);
    panel.onDidDispose(() => {
      this.remove(shown);
      this.tab = undefined;
    });
    void this.learnModels();
  }

  tell(message: ToPanel): void {
    for (const shown of this.shown) shown.tell(message);
  }

  open(what: Selection): void {
    this.tell({ type: "open", what });
  }

  /** What runs there are, for a panel. */
  runs(): ToPanel {
    const { runs, problem, busy, numbers, notes } = this.limpid;
    return {
      type: "runs",
      shown: runs.shown?.head ?? null,
      history: runs.all.map((run) => run.head),
      problem: problem ?? null,
      busy: busy ?? null,
      settings: forPanel(numbers),
      models: this.models,
      notes: notes.of(runs.shown?.head.model ?? ""),
    };
  }

  refresh(): void {
    if (this.models.length === 0 && this.limpid.server.running && this.shown.size > 0)
      void this.learnModels();
    this.tell(this.runs());
  }

  /** Effects of a run were measured: heat and views may carry them now. */
  measured(id: string): void {
    const run = this.limpid.runs.find(id);
    run?.forgetScores();
    if (run === this.limpid.runs.shown) void this.limpid.paint();
  }

  async learnModels(): Promise<void> {
    if (!this.limpid.server.running) return;
    try {
      this.models = await models(this.limpid);
      this.tell(this.runs());
    } catch {
      // The list is a convenience; a request that needs a model says what is wrong with it.
    }
  }

  dispose(): void {
    for (const shown of [...this.shown]) this.remove(shown);
    for (const one of this.listening) one.dispose();
    this.tab?.dispose();
  }
}
