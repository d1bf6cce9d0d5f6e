// Which documents the daemon is told of: prompts by their language, Markdown with a prompt fence, and any document that a gesture
// was about. Nothing of another document ever leaves the editor. What must not live here: the language client.
import * as vscode from "vscode";
import { PROMPT_LANGUAGES, settings } from "./settings";

const PROMPT_FENCE = /^ {0,3}(```+|~~~+)\s*prompt\b/m;
/** Of a Markdown document, so much is looked at for a fence. */
const LOOKED_AT = 1 << 20;

/** Whether a document is, or holds, a prompt without anybody saying so. */
export function holdsPrompt(document: vscode.TextDocument): boolean {
  const languages = settings.languages();
  if (PROMPT_LANGUAGES.includes(document.languageId)) return languages.includes("prompt");
  if (!languages.includes(document.languageId)) return false;
  if (document.languageId !== "markdown") return true;
  return PROMPT_FENCE.test(document.getText().slice(0, LOOKED_AT));
}

/** Whether a change of a Markdown document may have made a prompt of it: only the lines that it touched are looked at. */
export function opensFence({ document, contentChanges }: vscode.TextDocumentChangeEvent): boolean {
  if (document.languageId !== "markdown") return false;
  return contentChanges.some(({ range, text }) => {
    const last = Math.min(range.start.line + text.split("\n").length, document.lineCount) - 1;
    for (let line = range.start.line; line <= last; line++) {
      if (PROMPT_FENCE.test(document.lineAt(line).text)) return true;
    }
    return false;
  });
}

export class TakenDocuments {
  private readonly asked = new Set<string>();
  /** Those that the daemon was told of, until they are closed: what it has it is kept up with. */
  private readonly told = new Set<string>();

  /** Whether the daemon knows of a document. */
  knows(document: vscode.TextDocument): boolean {
    return this.told.has(document.uri.toString());
  }

  /** Whether the daemon is to know of a document. Costs a look at a Markdown text, so it is asked once, not for every change. */
  wants(document: vscode.TextDocument): boolean {
    if (!["file", "untitled", "vscode-remote", "vscode-userdata"].includes(document.uri.scheme)) return false;
    if (this.asked.has(document.uri.toString()) || this.knows(document)) return true;
    // In a restricted workspace nothing happens by itself.
    return vscode.workspace.isTrusted && holdsPrompt(document);
  }

  /** A gesture was about this document. */
  ask(document: vscode.TextDocument): void {
    this.asked.add(document.uri.toString());
  }

  /** The daemon was told. */
  tell(document: vscode.TextDocument): void {
    this.told.add(document.uri.toString());
  }

  forget(document: vscode.TextDocument): void {
    this.asked.delete(document.uri.toString());
    this.told.delete(document.uri.toString());
  }
}
