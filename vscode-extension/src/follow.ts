// The panel and the highlight follow the cursor, unless that is switched off or the run is pinned.
import * as vscode from "vscode";
import type { Limpid } from "./limpid";
import type { Panels } from "./panel";
import { settings } from "./settings";

/** A cursor that moves on is not followed to where it only passed by. */
const REST_MS = 60;

export function followCursor(limpid: Limpid, panels: Panels): vscode.Disposable {
  let waiting: NodeJS.Timeout | undefined;
  let last: number | null = null;
  const listening = vscode.window.onDidChangeTextEditorSelection((event) => {
    if (!settings.followCursor()) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const { document, selection } = event.textEditor;
      const index = limpid.heat.tokenAt(document, selection.active) ?? null;
      if (index === last) return;
      last = index;
      panels.tell({ type: "point", token: index });
      if (index !== null && !limpid.runs.shown?.head.is_pinned) {
        panels.open({ kind: "position", position: index });
      }
    }, REST_MS);
  });
  const hovering = limpid.server.onDidHover(({ document, position }) => {
    panels.tell({ type: "point", token: limpid.heat.tokenAt(document, position) ?? null });
  });
  return new vscode.Disposable(() => {
    clearTimeout(waiting);
    hovering.dispose();
    listening.dispose();
  });
}
