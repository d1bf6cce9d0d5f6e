// Measures by itself where the setting `effects.auto` asks for it: the lines of a prompt just inspected, or the token that the cursor
// rests on; each once, within the budget, behind whatever a person asks. What must not live here: measuring by a gesture.
import * as vscode from "vscode";
import type { Ask } from "../webview/messages";
import type { Limpid } from "./limpid";
import type { Panels } from "./panel";
import type { Run } from "./run";
import { settings } from "./settings";

/** A cursor that rests so long asks for its token's effect. */
const REST_MS = 300;

export function measureByItself(limpid: Limpid, panels: Panels): vscode.Disposable {
  const done = new Set<string>();
  let waiting: NodeJS.Timeout | undefined;
  let underWay: vscode.CancellationTokenSource | undefined;

  const measure = async (run: Run, key: string, params: Ask<"limpid/effect">) => {
    const name = `${run.head.id} ${key}`;
    if (done.has(name) || run.head.is_stale) return;
    done.add(name);
    underWay?.cancel();
    const cancel = (underWay = new vscode.CancellationTokenSource());
    const budget = { seconds: settings.effectsBudgetMs() / 1000 };
    try {
      const answer = await run.ask("limpid/effect", { ...params, budget }, { cancel: cancel.token });
      panels.measured(run.head.id);
      panels.tell({ type: "measured", run: run.head.id, rows: answer.view.effects });
    } catch {
      // Nobody asked: an effect that could not be measured stays an estimate, and may be asked for by hand.
      done.delete(name);
    }
  };
  const listening = [
    limpid.runs.onDidChange(() => {
      const run = limpid.runs.shown;
      if (run && settings.effectsAuto() === "lines") void measure(run, "lines", { set: "line" });
    }),
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      clearTimeout(waiting);
      if (settings.effectsAuto() !== "hover") return;
      waiting = setTimeout(() => {
        const run = limpid.runs.shown;
        const token = limpid.heat.tokenAt(textEditor.document, textEditor.selection.active);
        if (run && token !== undefined) {
          void measure(run, `token ${token}`, { interventions: [{ kind: "knockout", token }] });
        }
      }, REST_MS);
    }),
  ];
  return new vscode.Disposable(() => {
    clearTimeout(waiting);
    underWay?.cancel();
    for (const one of listening) one.dispose();
  });
}
