// Moving through a prompt by influence: to the next strongest token, and peeking at what a token rests on or fed.
import * as vscode from "vscode";
import { asRange } from "./heat";
import type { Limpid } from "./limpid";
import { isAbout } from "./places";
import { problem } from "./problems";

/** Indices of the tokens that stand in the text, strongest first, the sink left out. */
export function ranked(scores: readonly number[], stands: (index: number) => boolean): number[] {
  const indices = scores.map((_, index) => index).filter((index) => index > 0 && stands(index));
  return indices.sort((a, b) => Math.abs(scores[b] ?? 0) - Math.abs(scores[a] ?? 0));
}

/** Where the cursor stands on a token: behind its leading space, if it has one and more. */
export function insideOf(document: vscode.TextDocument, token: vscode.Range): vscode.Position {
  const text = document.getText(token);
  return text.startsWith(" ") && text.length > 1 ? token.start.translate(0, 1) : token.start;
}

/** Puts the cursor on the next weaker (1) or stronger (-1) token; first on the strongest. */
export async function strongest(limpid: Limpid, step: 1 | -1): Promise<void> {
  const painted = limpid.heat.shown;
  if (!painted || painted.stale) throw problem("nothing-shown", "Inspect the prompt first.");
  const order = ranked(painted.view.attribution.scores, (index) => painted.tokens[index]?.range != null);
  if (order.length === 0) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(painted.uri));
  const editor = await vscode.window.showTextDocument(document);
  const here = limpid.heat.tokenAt(document, editor.selection.active);
  const now = here === undefined ? -1 : order.indexOf(here);
  const next = now < 0 ? (step === 1 ? 0 : order.length - 1) : (now + step + order.length) % order.length;
  const range = painted.tokens[order[next] ?? 0]?.range;
  if (!range) return;
  const found = asRange(range);
  const start = insideOf(document, found);
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(found, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Shows in place, without leaving the prompt, what a token rests on or what it fed. */
export async function peek(limpid: Limpid, argument: unknown, provider: string): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = isAbout(argument) ? vscode.Uri.parse(argument.uri) : editor?.document.uri;
  const at = isAbout(argument) ? argument.position : editor?.selection.active;
  if (!uri || !at) throw problem("no-editor", "Put the cursor on a token of a prompt.");
  await limpid.server.open(await vscode.workspace.openTextDocument(uri));
  const position = new vscode.Position(at.line, at.character);
  const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
    provider,
    uri,
    position,
  );
  const locations = found.map((one) =>
    "targetUri" in one ? new vscode.Location(one.targetUri, one.targetRange) : one,
  );
  if (locations.length === 0)
    throw problem("no-influence", "Nothing of this token reaches another one here.");
  await vscode.commands.executeCommand("editor.action.peekLocations", uri, position, locations, "peek");
}
