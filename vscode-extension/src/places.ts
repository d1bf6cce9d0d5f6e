// From a gesture to a place: the selection, the prompt at the cursor, or what a command's argument names; and how a selection moves
// when the text around it is edited. What must not live here: finding prompts, which is the daemon's.
import * as vscode from "vscode";
import type { Range } from "./generated/protocol";
import { problem } from "./problems";
import type { Place } from "./run";

/** What commands of lenses, hovers and code actions carry. */
export interface About {
  uri: string;
  position: { line: number; character: number };
  range?: Range;
  token?: string;
  /** The token at the position itself is meant. */
  here?: boolean;
}

export function isAbout(value: unknown): value is About {
  return typeof value === "object" && value !== null && "uri" in value && "position" in value;
}

/** Largest document that the daemon takes, in characters. */
const MOST_CHARACTERS = 10 << 20;

export interface Found {
  document: vscode.TextDocument;
  place: Place;
  title: string;
}

function plain(range: vscode.Range): Range {
  const { start, end } = range;
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

function name(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf("/") + 1);
}

function titled(document: vscode.TextDocument, place: Place): string {
  const file = name(document.uri);
  if (!place.range) return file;
  const { start, end } = place.range;
  return start.line === end.line ? `${file}:${start.line + 1}` : `${file}:${start.line + 1}–${end.line + 1}`;
}

function checked(document: vscode.TextDocument): void {
  const length = document.offsetAt(new vscode.Position(document.lineCount, 0));
  if (length > MOST_CHARACTERS) {
    throw problem(
      "too-large",
      `${name(document.uri)} is larger than 10 MiB. Select the prompt's lines in a smaller file.`,
    );
  }
}

/** The prompt that a gesture is about. */
export async function placeOf(argument: unknown): Promise<Found> {
  if (isAbout(argument)) {
    const uri = vscode.Uri.parse(argument.uri);
    const document = await vscode.workspace.openTextDocument(uri);
    checked(document);
    const place: Place = { uri: uri.toString(), at: argument.position };
    return { document, place, title: titled(document, place) };
  }
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    throw problem("no-editor", "Open a text and put the cursor into the prompt.");
  }
  const { document, selection } = editor;
  checked(document);
  const at = { line: selection.active.line, character: selection.active.character };
  const uri = document.uri.toString();
  const place: Place = selection.isEmpty ? { uri, at } : { uri, range: plain(selection) };
  return { document, place, title: titled(document, place) };
}

/** A position after a change, in lines and characters. */
function moved(
  position: Range["start"],
  change: { range: Range; text: string },
  atEnd: boolean,
): Range["start"] {
  const { start, end } = change.range;
  const before = (a: Range["start"], b: Range["start"]) =>
    a.line < b.line || (a.line === b.line && a.character < b.character);
  if (before(position, start) || (!before(start, position) && !atEnd)) return position;
  const lines = change.text.split("\n");
  const lastLine = lines[lines.length - 1] ?? "";
  const newEnd = {
    line: start.line + lines.length - 1,
    character: lines.length === 1 ? start.character + lastLine.length : lastLine.length,
  };
  if (before(position, end)) return newEnd;
  if (position.line > end.line)
    return { line: position.line + newEnd.line - end.line, character: position.character };
  return { line: newEnd.line, character: newEnd.character + position.character - end.character };
}

/** Where a selection stands after a change: what is typed inside it, or at its end, belongs to it. */
export function afterChange(range: Range, change: { range: Range; text: string }): Range {
  return { start: moved(range.start, change, false), end: moved(range.end, change, true) };
}
