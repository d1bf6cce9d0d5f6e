// Commands that the daemon carries out by editing the document: it finds the place, the editor applies the change.
import * as vscode from "vscode";
import type { Limpid } from "./limpid";
import { isAbout, placeOf } from "./places";

async function executed(limpid: Limpid, command: string, argument: unknown): Promise<void> {
  const found = await placeOf(argument);
  const client = await limpid.server.open(found.document);
  const about = isAbout(argument)
    ? argument
    : { uri: found.place.uri, position: found.place.at ?? found.place.range?.start };
  const location = vscode.ProgressLocation.Window;
  await vscode.window.withProgress({ location, title: "Limpid" }, async () => {
    await client.sendRequest("workspace/executeCommand", { command, arguments: [about] });
  });
}

/** Writes the model's continuation below the prompt. */
export function continueBelow(limpid: Limpid, argument: unknown): Promise<void> {
  return executed(limpid, "limpid.continue", argument);
}

/** Puts a plain prompt into the chat template, or takes it out. */
export function applyTemplate(limpid: Limpid, argument: unknown): Promise<void> {
  return executed(limpid, "limpid.applyTemplate", argument);
}
