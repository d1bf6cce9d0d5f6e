// Every command: its id, and what it does in a line or two. What must not live here: how a run is made, drawn or saved.
import * as vscode from "vscode";
import type { SaveKind } from "../webview/messages";
import type { Limpid } from "./limpid";
import { measureHere, measureParts } from "./measuring";
import type { Panels } from "./panel";
import { chooseDevice, chooseModel, chooseToken } from "./pickers";
import { isAbout } from "./places";
import { problem } from "./problems";
import { openReport, save } from "./saving";
import { change, settings } from "./settings";
import { continueBelow, applyTemplate } from "./server_commands";
import { peek, strongest } from "./walking";

type Carry = (argument?: unknown) => unknown;

export const WALKTHROUGH = "limpid.limpid#limpid.start";

/** What `limpid.export` offers. */
const SAVED: (vscode.QuickPickItem & { as: SaveKind })[] = [
  { label: "HTML", description: "one offline file with the panel in it", as: "html" },
  { label: "JSON", description: "the answers, as the protocol writes them", as: "json" },
  { label: "DOT", description: "the route graph for Graphviz", as: "dot" },
  { label: "SVG", description: "the routes as drawn", as: "svg" },
  { label: "PNG", description: "the routes as drawn", as: "png" },
  { label: "Markdown", description: "tables for an issue or a note", as: "markdown" },
];

export function commands(limpid: Limpid, panels: Panels): Record<string, Carry> {
  const shown = () => {
    const run = limpid.runs.shown;
    if (!run) throw problem("nothing-shown", "Inspect a prompt first.");
    return run;
  };
  /** A new run of the prompt at the cursor; from the walkthrough, say, where no text has one, of the prompt looked at last. */
  const inspected = (argument?: unknown) =>
    argument === undefined && !vscode.window.activeTextEditor ? limpid.again() : limpid.inspect(argument);
  /** The run shown, or one of the prompt at the cursor. */
  const run = async (argument?: unknown) => {
    const current = limpid.runs.shown;
    const isOther = isAbout(argument) && argument.uri !== current?.head.uri;
    if (current && !isOther && !current.head.is_stale) return current;
    return await inspected(argument);
  };
  const isHere = (argument: unknown) => isAbout(argument) && argument.here === true;

  return {
    "limpid.inspect": async (argument) => {
      const made = await inspected(argument);
      await panels.reveal();
      return made?.head;
    },
    "limpid.refresh": () => limpid.again(),
    "limpid.panel": async (argument) => {
      await panels.reveal();
      if (!isAbout(argument)) return;
      if (limpid.runs.shown?.head.uri !== argument.uri) await limpid.inspect(argument);
      const position = limpid.heat.shown ? tokenOf(limpid, argument) : undefined;
      if (position !== undefined) panels.open({ kind: "position", position });
    },
    "limpid.openTab": () => panels.openTab(),
    "limpid.hide": () => limpid.hide(),
    "limpid.setTarget": async (argument) => {
      const current = await run(argument);
      if (!current) return;
      if (isAbout(argument) && argument.token !== undefined) {
        return await limpid.retarget({ token: argument.token }, current.question.foil);
      }
      const here = isHere(argument) ? tokenOf(limpid, argument) : undefined;
      if (here !== undefined && here > 0) {
        // The token itself is explained: what stands at its place, predicted from what precedes it.
        const id = limpid.heat.shown?.tokens[here]?.id;
        return await limpid.retarget(
          { position: here - 1, ...(id === undefined ? {} : { token: id }) },
          undefined,
        );
      }
      const position = current.head.target?.position ?? current.head.n_tokens - 1;
      const chosen = await chooseToken(current, position, { title: "Which token is to be explained?" });
      if (chosen && chosen.token !== null)
        await limpid.retarget({ position, token: chosen.token }, undefined);
    },
    "limpid.setFoil": async (argument) => {
      const current = await run(argument);
      if (!current) return;
      const { target } = current.head;
      if (isAbout(argument) && argument.token !== undefined) {
        return await limpid.retarget(current.question.target, argument.token);
      }
      const position = target?.position ?? current.head.n_tokens - 1;
      const chosen = await chooseToken(current, position, {
        title: "Why not…",
        without: target?.id,
        ...(current.question.foil === undefined ? {} : { none: "No foil" }),
      });
      if (chosen) await limpid.retarget(current.question.target, chosen.token ?? undefined);
    },
    "limpid.continue": (argument) => continueBelow(limpid, argument),
    "limpid.applyTemplate": (argument) => applyTemplate(limpid, argument),
    "limpid.measure": async (argument) => {
      const current = await run(argument);
      if (current)
        await measureParts(limpid, panels, current, isAbout(argument) ? argument.range : undefined, "parts");
    },
    "limpid.measureLines": async () => {
      const current = await run();
      if (current) await measureParts(limpid, panels, current, undefined, "line");
    },
    "limpid.measureHere": async (argument) => {
      const current = await run(argument);
      if (current) await measureHere(limpid, panels, current, isAbout(argument) ? argument : undefined);
    },
    "limpid.switchOff": async () => {
      shown();
      await panels.reveal();
      panels.tell({ type: "section", name: "effects", act: "switchOff" });
    },
    "limpid.clearSwitches": async () => {
      await panels.reveal();
      panels.tell({ type: "section", name: "effects", act: "clearSwitches" });
    },
    "limpid.compareLast": async () => {
      shown();
      await panels.reveal();
      panels.tell({ type: "section", name: "compare", act: "last" });
    },
    "limpid.compareModels": async () => {
      shown();
      await panels.reveal();
      panels.tell({ type: "section", name: "compare", act: "models" });
    },
    "limpid.lens": async () => {
      shown();
      await panels.reveal();
      panels.tell({ type: "section", name: "lens" });
    },
    "limpid.follow": () => change("followCursor", !settings.followCursor()),
    "limpid.pin": () => {
      const current = shown();
      limpid.runs.pin(current, !current.head.is_pinned);
    },
    "limpid.nextStrongest": () => strongest(limpid, 1),
    "limpid.previousStrongest": () => strongest(limpid, -1),
    "limpid.peekSources": (argument) => peek(limpid, argument, "vscode.executeDefinitionProvider"),
    "limpid.peekFed": (argument) => peek(limpid, argument, "vscode.executeReferenceProvider"),
    "limpid.surprisal": () => change("inlay.surprisal", !settings.surprisal()),
    "limpid.numbers": () => {
      limpid.numbers = !limpid.numbers;
      limpid.heat.showNumbers(limpid.numbers);
      panels.refresh();
    },
    "limpid.chooseModel": async (argument) => {
      const name =
        typeof argument === "string" ? argument : await chooseModel(limpid, "Which model answers?");
      if (name === undefined || name === "") return;
      await change("model", name);
      if (limpid.runs.shown) await limpid.again({ model: name });
      await panels.learnModels();
    },
    "limpid.loadModel": async () => {
      const name = await chooseModel(limpid, "Load a model", (row) => row.state !== "loaded");
      if (name) await withModel(limpid, panels, "load", name, `Loading ${name}`);
    },
    "limpid.unloadModel": async () => {
      const name = await chooseModel(limpid, "Free a model's memory", (row) => row.state === "loaded", false);
      if (name) await withModel(limpid, panels, "unload", name, `Unloading ${name}`);
    },
    "limpid.chooseDevice": async () => {
      const device = await chooseDevice();
      if (device === undefined) return;
      await change("device", device);
      await limpid.server.restart();
    },
    "limpid.choosePath": async () => {
      const picked = await vscode.window.showOpenDialog({ title: "The limpid binary", canSelectMany: false });
      const path = picked?.[0]?.fsPath;
      if (path === undefined) return;
      await vscode.workspace
        .getConfiguration("limpid")
        .update("path", path, vscode.ConfigurationTarget.Global);
      limpid.problem = undefined;
      await limpid.server.restart();
    },
    "limpid.openReport": () => openReport(limpid),
    "limpid.export": async (argument) => {
      const chosen =
        SAVED.find((one) => one.as === argument) ??
        (await vscode.window.showQuickPick(SAVED, { title: "Save the analysis as" }));
      if (!chosen) return;
      shown();
      const { as } = chosen;
      if (as !== "svg" && as !== "png" && as !== "markdown") return await save(limpid, as, null);
      await panels.reveal();
      panels.tell({ type: "draw", kind: as });
    },
    "limpid.restart": async () => {
      limpid.problem = undefined;
      await limpid.server.restart();
      if (limpid.runs.shown) await limpid.again();
    },
    "limpid.showLog": () => limpid.output.show(true),
    "limpid.openSettings": (argument) =>
      vscode.commands.executeCommand(
        "workbench.action.openSettings",
        typeof argument === "string" ? argument : "@ext:limpid.limpid",
      ),
    "limpid.walkthrough": async () => {
      const open = () =>
        vscode.commands.executeCommand("workbench.action.openWalkthrough", WALKTHROUGH, false);
      const before = vscode.window.tabGroups.activeTabGroup.activeTab;
      await open();
      // In the place of an extension's page VS Code puts a walkthrough of its own first.
      if (before && before.input === undefined) await open();
    },
    "limpid.tour": () => tour(),
    "limpid.status": () => menu(limpid),
  };
}

/** Index of the token that a hover's or lens's position is in. */
function tokenOf(limpid: Limpid, argument: unknown): number | undefined {
  if (!isAbout(argument)) return undefined;
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === argument.uri);
  if (!document) return undefined;
  const { line, character } = argument.position;
  return limpid.heat.tokenAt(document, new vscode.Position(line, character));
}

async function withModel(
  limpid: Limpid,
  panels: Panels,
  action: "load" | "unload",
  name: string,
  title: string,
): Promise<void> {
  const client = await limpid.server.started();
  const location = vscode.ProgressLocation.Notification;
  await vscode.window.withProgress({ location, title, cancellable: true }, async (_, cancel) => {
    await client.sendRequest("limpid/models", { action, name }, cancel);
  });
  await panels.learnModels();
}

/** A sample prompt, inspected. */
export async function tour(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({
    language: "prompt",
    content: "The capital of France is",
  });
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("limpid.inspect");
}

/** What can be done from the status bar. */
async function menu(limpid: Limpid): Promise<void> {
  const { problem: trouble, server, numbers } = limpid;
  const toggle = (on: boolean) => (on ? "on" : "off");
  const items: (vscode.QuickPickItem & { command?: string; argument?: unknown })[] = [
    ...(trouble?.ways ?? []).map((way) => ({ label: `$(lightbulb) ${way.title}`, ...way })),
    { label: "$(search) Inspect the prompt", command: "limpid.inspect" },
    { label: "$(layout-sidebar-right) Panel", command: "limpid.panel" },
    { label: "$(library) Model…", command: "limpid.chooseModel", description: limpid.runs.shown?.head.model },
    { label: "$(chip) Device…", command: "limpid.chooseDevice", description: settings.device() },
    {
      label: "$(symbol-number) Numbers on the text",
      command: "limpid.numbers",
      description: toggle(numbers),
    },
    { label: "$(pulse) Surprisal", command: "limpid.surprisal", description: toggle(settings.surprisal()) },
    {
      label: "$(eye) Follow the cursor",
      command: "limpid.follow",
      description: toggle(settings.followCursor()),
    },
    { label: "$(debug-restart) Restart", command: "limpid.restart", description: server.version },
    { label: "$(output) Log", command: "limpid.showLog" },
    { label: "$(gear) Settings", command: "limpid.openSettings" },
  ];
  const title = trouble ? trouble.message : "Limpid";
  const chosen = await vscode.window.showQuickPick(items, { title });
  if (chosen?.command) await vscode.commands.executeCommand(chosen.command, chosen.argument);
}
