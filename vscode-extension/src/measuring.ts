// Measuring from a gesture on the text: with progress that can be stopped, and the result where the estimate stood. What must not
// live here: the panel's own measurements, which it asks for itself.
import * as vscode from "vscode";
import { signed } from "../webview/display";
import type { EffectRow, EffectSet, Range } from "./generated/protocol";
import type { Ask } from "../webview/messages";
import type { Limpid } from "./limpid";
import type { Panels } from "./panel";
import type { About } from "./places";
import { problem } from "./problems";
import type { Run } from "./run";

async function measured(
  limpid: Limpid,
  panels: Panels,
  run: Run,
  title: string,
  params: Ask<"limpid/effect">,
): Promise<EffectRow[]> {
  const location = vscode.ProgressLocation.Notification;
  const rows = await vscode.window.withProgress(
    { location, title, cancellable: true },
    async (progress, cancel) => {
      let runs = 0;
      const partial = (value: unknown) => {
        runs += Array.isArray(value) ? value.length : 0;
        progress.report({ message: `${runs} runs` });
      };
      const answer = await run.ask("limpid/effect", params, { cancel, partial });
      return answer.view.effects;
    },
  );
  panels.measured(run.head.id);
  panels.tell({ type: "measured", run: run.head.id, rows });
  limpid.runs.touched();
  return rows;
}

/** Hides parts of the prompt and runs the model again. */
export async function measureParts(
  limpid: Limpid,
  panels: Panels,
  run: Run,
  within: Range | undefined,
  set: EffectSet,
): Promise<void> {
  await measured(limpid, panels, run, "Measuring effects", { set, ...(within ? { within } : {}) });
  await panels.reveal();
  panels.tell({ type: "section", name: "effects" });
}

/** Hides the token at the cursor, and says what that changed. */
export async function measureHere(
  limpid: Limpid,
  panels: Panels,
  run: Run,
  about: About | undefined,
): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const at = about?.position ?? editor?.selection.active;
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === run.head.uri);
  const index =
    at && document ? limpid.heat.tokenAt(document, new vscode.Position(at.line, at.character)) : undefined;
  if (index === undefined) throw problem("no-token", "There is no token of the inspected prompt here.");
  const name = limpid.heat.shown?.tokens[index]?.display ?? `token ${index}`;
  const rows = await measured(limpid, panels, run, `Hiding ${name}`, {
    interventions: [{ kind: "knockout", token: index }],
  });
  const effect = rows[0]?.effect;
  const said =
    effect === null || effect === undefined
      ? (rows[0]?.error ?? "It could not be measured.")
      : `Hiding ${name} takes ${signed(effect)} nats.`;
  vscode.window.setStatusBarMessage(said, 10_000);
  panels.open({ kind: "position", position: index });
}
