// One quiet item: model, device, state; a click opens the menu. Shown once the extension had something to do.
import * as vscode from "vscode";
import { busyWords, type Limpid } from "./limpid";
import { models } from "./pickers";

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "limpid.status",
    vscode.StatusBarAlignment.Right,
    90,
  );
  private model = "";
  private readonly listening: vscode.Disposable[];

  constructor(private readonly limpid: Limpid) {
    this.item.name = "Limpid";
    this.item.command = "limpid.status";
    this.listening = [limpid.server.onDidChange(() => this.draw()), limpid.onDidChange(() => this.draw())];
  }

  private draw(): void {
    const { server, busy, problem, runs } = this.limpid;
    this.model = runs.shown?.head.model ?? this.model;
    const label = this.model || "Limpid";
    this.item.backgroundColor = undefined;
    if (busy) {
      this.item.text = `$(loading~spin) ${busyWords(busy)}`;
      this.item.tooltip = "Limpid is at work";
    } else if (problem) {
      this.item.text = `$(warning) ${label}`;
      this.item.tooltip = problem.message;
      this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
    } else if (server.state === "failed") {
      this.item.text = "$(error) Limpid";
      this.item.tooltip = "Limpid did not start. Click for ways out.";
    } else {
      const icon = server.state === "on" ? "$(eye)" : "$(circle-outline)";
      this.item.text = `${icon} ${label}`;
      this.item.tooltip =
        server.state === "on" ? "Limpid is ready" : "Limpid starts when it is asked for something";
    }
    this.item.accessibilityInformation = {
      label: `Limpid: ${this.item.text.replace(/\$\([^)]*\) ?/g, "")}. ${this.item.tooltip}`,
      role: "button",
    };
    this.item.show();
  }

  /** Says which model answers by default, once there is a server. */
  async learn(): Promise<void> {
    if (!this.limpid.server.running) return;
    const rows = await models(this.limpid).catch(() => []);
    const shown = rows.find((row) => row.is_default) ?? rows[0];
    if (shown && this.model === "") this.model = shown.name;
    this.draw();
  }

  dispose(): void {
    for (const one of this.listening) one.dispose();
    this.item.dispose();
  }
}
