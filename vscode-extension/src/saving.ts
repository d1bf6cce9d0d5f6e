// Saves a run: as an offline report, as the protocol's own JSON, as DOT; and what the panel has drawn. What must not live here:
// drawing.
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { PROTOCOL_VERSION } from "./generated/protocol";
import type { SaveKind } from "../webview/messages";
import { attributionParams, ROUTES } from "../webview/questions_params";
import { dot } from "./dot";
import type { Limpid } from "./limpid";
import { problem } from "./problems";
import type { Recorded, Run } from "./run";
import { settings } from "./settings";

/** The line of the report's template that the answers go into. */
const SLOT = '<script type="application/json" id="limpid-recorded">null</script>';
/** Cuts that a report asks for beside what was looked at. */
const PARTS = ["word", "line", "sentence", "paragraph", "example", "message"] as const;
/** Above so many tokens the lens grid is left out of a report. */
const LONGEST_LENS = 512;

/** JSON that no HTML parser takes for markup. */
export function inert(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Every answer carries the same token table; a report needs it once. */
function tabledOnce(answer: Recorded): Recorded {
  if (answer.method === "limpid/tokens") return answer;
  return { ...answer, result: { ...(answer.result as object), token_table: [] } };
}

async function recorded(limpid: Limpid, run: Run) {
  // Whatever the panel asks at first, whether it was open or not.
  await run.ask("limpid/attribution", attributionParams(settings.method()));
  await run.ask("limpid/tokens", {});
  await run.ask("limpid/routes", ROUTES);
  for (const by of PARTS) await run.ask("limpid/parts", { by }).catch(() => undefined);
  if (run.head.n_tokens <= LONGEST_LENS) await run.ask("limpid/lens", {}).catch(() => undefined);
  const { title, model, took_ms, at } = run.head;
  return {
    version: PROTOCOL_VERSION,
    run: { title, model, took_ms, at },
    text: run.text,
    answers: run.recorded,
    notes: limpid.notes.of(model),
  };
}

async function report(limpid: Limpid, run: Run): Promise<string> {
  const at = path.join(limpid.context.extensionPath, "dist", "report.html");
  const template = await fs.readFile(at, "utf8");
  const whole = await recorded(limpid, run);
  const answers = inert({ ...whole, answers: whole.answers.map(tabledOnce) });
  // A function, because `$` in a text would be read as a pattern of the replacement.
  return template.replace(SLOT, () => SLOT.replace("null", () => answers));
}

const ENDINGS: Record<SaveKind, string> = {
  html: "html",
  json: "json",
  dot: "dot",
  svg: "svg",
  png: "png",
  markdown: "md",
};

/** What is to be written, as bytes. */
async function content(limpid: Limpid, run: Run, kind: SaveKind, drawn: string | null): Promise<Uint8Array> {
  const text = (value: string) => new TextEncoder().encode(value);
  switch (kind) {
    case "html":
      return text(await report(limpid, run));
    case "json":
      return text(`${JSON.stringify(await recorded(limpid, run), null, 1)}\n`);
    case "dot": {
      const answer = await run.ask("limpid/routes", ROUTES);
      return text(dot(answer.model, answer.view, answer.token_table));
    }
    case "png":
      return Buffer.from(drawn ?? "", "base64");
    case "svg":
    case "markdown":
      return text(drawn ?? "");
  }
}

/** Asks where, and saves. */
export async function save(limpid: Limpid, kind: SaveKind, drawn: string | null): Promise<void> {
  const run = limpid.runs.shown;
  if (!run) throw problem("nothing-shown", "Inspect a prompt first.");
  const beside = vscode.Uri.parse(run.head.uri);
  const stem = run.head.title.replace(/[:–/\\]/g, "-").replace(/\.[a-z]+$/i, "");
  const folder =
    beside.scheme === "untitled" ? vscode.Uri.file(os.homedir()) : vscode.Uri.joinPath(beside, "..");
  const to = await vscode.window.showSaveDialog({
    title: "Save the analysis",
    defaultUri: vscode.Uri.joinPath(folder, `${stem}.limpid.${ENDINGS[kind]}`),
  });
  if (!to) return;
  await vscode.workspace.fs.writeFile(to, await content(limpid, run, kind, drawn));
  const open = "Open";
  const said = await vscode.window.showInformationMessage(`Saved ${path.basename(to.fsPath)}.`, open);
  if (said === open) await vscode.env.openExternal(to);
}

/** Writes the report to a temporary file and opens it in the browser. */
export async function openReport(limpid: Limpid): Promise<void> {
  const run = limpid.runs.shown;
  if (!run) throw problem("nothing-shown", "Inspect a prompt first.");
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "limpid-report-"));
  const file = vscode.Uri.file(path.join(folder, "report.html"));
  await vscode.workspace.fs.writeFile(file, await content(limpid, run, "html", null));
  if (vscode.env.remoteName === undefined && (await vscode.env.openExternal(file))) return;
  // A browser elsewhere cannot open a file here: the report is shown as the file that it is.
  await vscode.commands.executeCommand("revealFileInOS", file).then(undefined, () => undefined);
  void vscode.window.showInformationMessage(`The report is ${file.fsPath}.`);
}
