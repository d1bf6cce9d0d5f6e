// The extension's settings, read in one place. What must not live here: what they mean for the daemon, which reads its own.
import * as vscode from "vscode";
import type { PanelSettings } from "../webview/messages";

/** Languages that a setting may name, and whether a document of it is a prompt as a whole. */
export const PROMPT_LANGUAGES = ["prompt", "prompty", "chat"];

function read<T>(key: string, fallback: T): T {
  return vscode.workspace.getConfiguration("limpid").get<T>(key) ?? fallback;
}

export const settings = {
  /** Path of the binary; empty: the one that came with the extension, else the one on PATH. */
  path: () => read("path", "").trim(),
  /** Name of the model; undefined: the daemon's default. */
  model: () => read("model", "").trim() || undefined,
  device: () => read("device", "auto"),
  memoryBudget: () => read("memoryBudget", "").trim(),
  languages: () => read<string[]>("languages", ["prompt", "markdown"]),
  heatScale: () => read<"background" | "underline">("heat.scale", "background"),
  method: () => read("heat.method", "atp"),
  routesMass: () => read("routes.mass", 0.9),
  effectsAuto: () => read<"off" | "hover" | "lines">("effects.auto", "off"),
  effectsBudgetMs: () => read("effects.budgetMs", 2000),
  followCursor: () => read("followCursor", true),
  surprisal: () => read("inlay.surprisal", false),
};

/** Changes a setting where it is set already, else for the user. */
export async function change(key: string, value: unknown): Promise<void> {
  const configuration = vscode.workspace.getConfiguration("limpid");
  const inspected = configuration.inspect(key);
  const target =
    inspected?.workspaceValue !== undefined && vscode.workspace.isTrusted
      ? vscode.ConfigurationTarget.Workspace
      : vscode.ConfigurationTarget.Global;
  await configuration.update(key, value, target);
}

/** What the panel needs of them. */
export function forPanel(numbers: boolean): PanelSettings {
  return {
    routes_mass: settings.routesMass(),
    method: settings.method(),
    numbers,
    follow: settings.followCursor(),
    effects_budget_ms: settings.effectsBudgetMs(),
  };
}
