// Activation: wiring only. Nothing is started before a prompt is looked at or a command is run.
import * as vscode from "vscode";
import { measureByItself } from "./auto_measuring";
import { commands } from "./commands";
import { followCursor } from "./follow";
import { Limpid } from "./limpid";
import { Panels } from "./panel";
import { carry } from "./panel_commands";
import { asProblem, isSuperseded } from "./problems";
import { StatusBar } from "./status_bar";

/** Settings that the server takes as arguments: it is started anew when they change. */
const OF_THE_SERVER = ["limpid.path", "limpid.device", "limpid.memoryBudget"];

/** Problems of a text as it was: another text may have none. */
const OF_THE_TEXT = new Set(["empty-prompt", "context-window"]);

/** Commands that say nothing about whether a problem is over. */
const QUIET = new Set([
  "limpid.status",
  "limpid.showLog",
  "limpid.openSettings",
  "limpid.walkthrough",
  "limpid.panel",
]);

export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel("Limpid", { log: true });
  const limpid = new Limpid(context, output);
  const panels = new Panels(limpid);
  panels.commands = (message) => carry(limpid, panels, message);
  const status = new StatusBar(limpid);
  context.subscriptions.push(
    output,
    limpid,
    panels,
    status,
    followCursor(limpid, panels),
    measureByItself(limpid, panels),
  );

  for (const [id, run] of Object.entries(commands(limpid, panels))) {
    const carried = async (argument?: unknown) => {
      const before = limpid.problem;
      try {
        const result = await run(argument);
        // What was wrong before this gesture is no news after it went well.
        if (before !== undefined && limpid.problem === before && !QUIET.has(id)) limpid.recovered();
        return result;
      } catch (error) {
        limpid.failed(error);
        const problem = asProblem(error);
        if (!isSuperseded(problem))
          vscode.window.setStatusBarMessage(`$(warning) ${problem.message}`, 10_000);
        return undefined;
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(id, carried));
  }

  /** A prompt that is looked at gets its inlay prediction, which is all that appears by itself. */
  const lookedAt = (editor: vscode.TextEditor | undefined) => {
    if (!editor) return;
    const isPrompt = limpid.taken.wants(editor.document);
    void vscode.commands.executeCommand("setContext", "limpid.inPrompt", isPrompt);
    limpid.runs.compareWith(editor.document);
    if (!isPrompt || limpid.server.state === "failed") return;
    if (limpid.server.running && limpid.taken.knows(editor.document)) return;
    limpid.server.open(editor.document).then(
      () => void status.learn(),
      (error: unknown) => limpid.failed(error),
    );
  };
  context.subscriptions.push(
    vscode.window.onDidChangeActiveTextEditor(lookedAt),
    vscode.window.onDidChangeVisibleTextEditors((editors) =>
      editors.forEach((editor) => limpid.heat.draw(editor)),
    ),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length === 0) return;
      limpid.runs.edited(document, contentChanges);
      if (OF_THE_TEXT.has(limpid.problem?.kind ?? "")) limpid.recovered();
    }),
    vscode.window.onDidChangeActiveColorTheme(() => limpid.heat.repaint()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => lookedAt(vscode.window.activeTextEditor)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (OF_THE_SERVER.some((key) => event.affectsConfiguration(key)) && limpid.server.state !== "off") {
        limpid.server.restart().catch((error: unknown) => limpid.failed(error));
      }
      if (event.affectsConfiguration("limpid.heat")) {
        limpid.heat.repaint();
        void limpid.paint();
      }
      if (event.affectsConfiguration("limpid")) panels.refresh();
    }),
  );
  lookedAt(vscode.window.activeTextEditor);
}
