// What the panel asks its home to do, carried out. What must not live here: requests to the daemon (panel.ts).
import * as vscode from "vscode";
import type { FromPanel } from "../webview/messages";
import type { Intervention, SwitchesView, Answer } from "./generated/protocol";
import { asRange } from "./heat";
import { insideOf } from "./walking";
import type { Limpid } from "./limpid";
import type { Panels } from "./panel";
import { problem } from "./problems";
import { save } from "./saving";
import { change } from "./settings";

/** Commands that a way out of a problem may run: our own. */
function isOurs(command: string): boolean {
  return /^limpid\.[A-Za-z]+$/.test(command);
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export async function carry(
  limpid: Limpid,
  panels: Panels,
  message: Extract<FromPanel, { type: "command" | "save" | "reveal" }>,
): Promise<void> {
  if (message.type === "save") return await save(limpid, message.kind, message.data);
  if (message.type === "reveal") return await reveal(limpid, message.token);
  const argument = (message.argument ?? {}) as Record<string, unknown>;
  const of = (id: unknown) => (typeof id === "string" ? limpid.runs.find(id) : undefined);
  switch (message.command) {
    case "inspect":
      await vscode.commands.executeCommand("limpid.inspect");
      return;
    case "refresh":
      await limpid.again();
      return;
    case "setTarget": {
      const { position, token } = argument as { position?: number; token?: number };
      if (position === undefined && token === undefined) {
        await vscode.commands.executeCommand("limpid.setTarget");
      } else {
        const at = position ?? limpid.runs.shown?.head.target?.position;
        await limpid.retarget({ position: at, token }, limpid.runs.shown?.question.foil);
      }
      return;
    }
    case "setFoil":
      if (!("token" in argument)) {
        await vscode.commands.executeCommand("limpid.setFoil");
      } else {
        const { token } = argument as { token: number | null };
        const target = limpid.runs.shown?.head.target;
        const choice = target ? { position: target.position, token: target.id } : undefined;
        await limpid.retarget(limpid.runs.shown?.question.target ?? choice, token ?? undefined);
      }
      return;
    case "chooseModel":
      await vscode.commands.executeCommand("limpid.chooseModel", argument["name"]);
      return;
    case "showRun": {
      const run = of(argument["id"]);
      if (!run) throw problem("no-longer-kept", "This run was forgotten.");
      limpid.runs.pick(run);
      return;
    }
    case "pin": {
      const run = of(argument["id"]);
      if (run) limpid.runs.pin(run, argument["is_pinned"] === true);
      return;
    }
    case "forgetRun": {
      const run = of(argument["id"]);
      if (run) limpid.runs.forget(run);
      return;
    }
    case "insertContinuation":
      return await insert(limpid, words(argument["text"]));
    case "saveSwitches":
      return await saveSwitches(limpid, argument["switches"] as (Intervention | string)[]);
    case "copyMarkdown":
      await vscode.env.clipboard.writeText(words(argument["text"]));
      vscode.window.setStatusBarMessage("Copied as Markdown.", 3000);
      return;
    case "note": {
      const run = of(argument["run"]);
      if (run) limpid.notes.keep(run.head.model, words(argument["component"]), words(argument["text"]));
      panels.refresh();
      return;
    }
    case "follow":
      await change("followCursor", argument["follow"] === true);
      return;
    case "numbers":
      if (limpid.numbers !== (argument["numbers"] === true))
        await vscode.commands.executeCommand("limpid.numbers");
      return;
    case "openTab":
      panels.openTab();
      return;
    case "openSample":
      await vscode.commands.executeCommand("limpid.tour");
      return;
    case "showLog":
      limpid.output.show(true);
      return;
    case "run": {
      const command = words(argument["command"]);
      if (isOurs(command)) await vscode.commands.executeCommand(command, argument["argument"]);
      return;
    }
  }
}

/** Puts the cursor on a token of the run shown. */
async function reveal(limpid: Limpid, token: number): Promise<void> {
  const painted = limpid.heat.shown;
  const range = painted?.tokens[token]?.range;
  if (!painted || painted.stale || !range) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(painted.uri));
  const open = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  const column = open?.viewColumn ?? vscode.ViewColumn.One;
  const editor = await vscode.window.showTextDocument(document, { viewColumn: column, preserveFocus: true });
  const found = asRange(range);
  // Inside the token and nothing selected: a selection would be what the next gesture inspects.
  const inside = insideOf(document, found);
  editor.selection = new vscode.Selection(inside, inside);
  editor.revealRange(found, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Writes a continuation behind the prompt of the run shown, if that is still its text. */
async function insert(limpid: Limpid, text: string): Promise<void> {
  const painted = limpid.heat.shown;
  const last = painted?.tokens.filter((token) => token.range).at(-1)?.range;
  if (!painted || painted.stale || !last) {
    throw problem("stale-version", "The text has changed since; inspect it again and continue from there.");
  }
  const edit = new vscode.WorkspaceEdit();
  edit.insert(vscode.Uri.parse(painted.uri), asRange(last).end, text);
  if (!(await vscode.workspace.applyEdit(edit))) {
    throw problem("read-only", "The editor did not take the change; is the file read-only?");
  }
}

/** Adds a set of switches to the file beside the prompt. */
async function saveSwitches(limpid: Limpid, switches: (Intervention | string)[]): Promise<void> {
  const run = limpid.runs.shown;
  if (!run) throw problem("nothing-shown", "Inspect a prompt first.");
  const name = await vscode.window.showInputBox({ title: "Name of the switches", value: "switched off" });
  if (!name) return;
  const answer: Answer<SwitchesView> = await run.ask("limpid/switches", { save: { name, switches } });
  const { uri, text } = answer.view;
  if (text === null || text === undefined) return;
  const file = vscode.Uri.parse(uri);
  try {
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  } catch {
    // A folder that cannot be written to: the text is shown instead, to be saved elsewhere.
    const document = await vscode.workspace.openTextDocument({ language: "toml", content: text });
    await vscode.window.showTextDocument(document);
    void vscode.window.showWarningMessage(
      `${file.path.split("/").pop() ?? "The file"} cannot be written there; its text is open instead.`,
    );
    return;
  }
  await vscode.window.showTextDocument(file, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
}
