// Quick picks: target, foil, model, device, what to save. What must not live here: what happens with the choice.
import * as vscode from "vscode";
import { bytes, probability, rank } from "../webview/display";
import { token as display } from "../webview/token_display";
import type { ModelRow, ModelsResult, Prediction } from "./generated/protocol";
import type { Limpid } from "./limpid";
import type { Run } from "./run";

/** Likely tokens that are offered. */
const OFFERED = 20;

interface TokenItem extends vscode.QuickPickItem {
  token?: number | string;
  none?: boolean;
}

/** Asks for a token: one of the likely ones, or any text. `undefined`: nobody chose. */
export async function chooseToken(
  run: Run,
  position: number,
  how: { title: string; without?: number; none?: string },
): Promise<{ token: number | string | null } | undefined> {
  const first = await run.predicted();
  // The ten best of the target's place came with the tokens; more, and other places, are read off the last residual.
  const known = first.target.position === position ? first.predictions : [];
  const layer = first.model.n_layers - 1;
  const node = { kind: "resid_post" as const, layer, position };
  const items = run.ask("limpid/node", { node, top: OFFERED }).then((answer) => answer.view.top);
  return await new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<TokenItem>();
    pick.title = how.title;
    pick.placeholder = "A likely token, or type one exactly, its leading space too";
    pick.busy = true;
    const base: TokenItem[] = how.none ? [{ label: `$(circle-slash) ${how.none}`, none: true }] : [];
    const offer = (rows: readonly Prediction[]) =>
      rows
        .map((row, at) => ({
          label: display(row.text),
          description: `${probability(row.prob)}  ${rank(at + 1)}`,
          token: row.id,
        }))
        .filter((item) => item.token !== how.without);
    let likely: TokenItem[] = offer(known);
    const refresh = () => {
      const typed = pick.value;
      const own: TokenItem[] =
        typed === ""
          ? []
          : [
              {
                label: `$(edit) ${display(typed)}`,
                description: "exactly this",
                token: typed,
                alwaysShow: true,
              },
            ];
      pick.items = [...base, ...likely, ...own];
    };
    refresh();
    void items.then(
      (rows) => {
        likely = offer(rows);
        pick.busy = false;
        refresh();
      },
      () => (pick.busy = false),
    );
    pick.onDidChangeValue(refresh);
    pick.onDidAccept(() => {
      const chosen = pick.selectedItems[0];
      resolve(chosen === undefined ? undefined : { token: chosen.none ? null : (chosen.token ?? null) });
      pick.dispose();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

export async function models(limpid: Limpid): Promise<ModelRow[]> {
  const client = await limpid.server.started();
  return (await client.sendRequest<ModelsResult>("limpid/models", { action: "list" })).models;
}

/** Asks for a model; `path` adds a file or folder of one's own. */
export async function chooseModel(
  limpid: Limpid,
  title: string,
  which: (row: ModelRow) => boolean = () => true,
  withPath = true,
): Promise<string | undefined> {
  const rows = (await models(limpid)).filter(which);
  const file = "$(folder-opened) A model on disk…";
  const named = "$(cloud-download) Another one, by name…";
  const items: vscode.QuickPickItem[] = rows.map((row) => ({
    label: row.name,
    description: [
      row.state,
      row.device ?? "",
      row.bytes ? bytes(row.bytes) : "",
      row.is_default ? "default" : "",
    ]
      .filter((part) => part !== "")
      .join(" · "),
    detail: row.problem ?? undefined,
  }));
  if (withPath)
    items.push({ label: "", kind: vscode.QuickPickItemKind.Separator }, { label: file }, { label: named });
  const chosen = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  if (chosen?.label === file) {
    const picked = await vscode.window.showOpenDialog({
      title: "A .gguf file, or a folder with config.json and safetensors",
      canSelectFolders: true,
      canSelectFiles: true,
      filters: { Models: ["gguf"], All: ["*"] },
    });
    return picked?.[0]?.fsPath;
  }
  if (chosen?.label === named) {
    return await vscode.window.showInputBox({
      title: "Model",
      prompt: "owner/name of the hub, SmolLM2-135M-Instruct or gemma-3-270m",
    });
  }
  return chosen?.label;
}

export async function chooseDevice(): Promise<string | undefined> {
  const items = [
    { label: "auto", description: "a GPU where this build can use one" },
    { label: "cpu" },
    { label: "cuda", description: "NVIDIA" },
    { label: "metal", description: "Apple" },
  ];
  return (await vscode.window.showQuickPick(items, { title: "Where to compute" }))?.label;
}
