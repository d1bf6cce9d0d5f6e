// Commands that the daemon carries out by editing the document: it finds the place, the editor applies the change.
import * as vscode from "vscode";
import { busyWords, type Busy, type Limpid } from "./limpid";
import { isAbout, placeOf } from "./places";
import { asProblem } from "./problems";

/** Anything else that is wrong the command itself says. */
function onlyLoading(error: unknown): void {
  if (asProblem(error).kind === "model-loading") throw error;
}

async function executed(limpid: Limpid, command: string, title: string, argument: unknown): Promise<void> {
  const found = await placeOf(argument);
  const client = await limpid.server.open(found.document);
  const about = isAbout(argument)
    ? argument
    : { uri: found.place.uri, position: found.place.at ?? found.place.range?.start };
  const location = vscode.ProgressLocation.Notification;
  await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, cancel) => {
    const says = (busy: Busy) => progress.report({ message: busyWords(busy) });
    // The daemon tells everybody of a command that it could not carry out, so the model is waited for before.
    const { uri, position } = about;
    const prompt = { uri, version: found.document.version, range: null, at: position ?? null };
    const look = () =>
      client.sendRequest("limpid/tokens", { subject: { prompt } }, cancel).catch(onlyLoading);
    await limpid.whenLoaded(look, { cancel, says });
    progress.report({ message: "" });
    await client.sendRequest("workspace/executeCommand", { command, arguments: [about] }, cancel);
  });
}

/** Writes the model's continuation below the prompt. */
export function continueBelow(limpid: Limpid, argument: unknown): Promise<void> {
  return executed(limpid, "limpid.continue", "Continuing", argument);
}

/** Puts a plain prompt into the chat template, or takes it out. */
export function applyTemplate(limpid: Limpid, argument: unknown): Promise<void> {
  return executed(limpid, "limpid.applyTemplate", "Applying the chat template", argument);
}
