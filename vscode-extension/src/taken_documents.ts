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

export class TakenDocuments {
  private readonly asked = new Set<string>();

  /** Whether the daemon knows, or is to know, of a document. */
  includes(document: vscode.TextDocument): boolean {
    if (!["file", "untitled", "vscode-remote", "vscode-userdata"].includes(document.uri.scheme)) return false;
    if (this.asked.has(document.uri.toString())) return true;
    // In a restricted workspace nothing happens by itself.
    return vscode.workspace.isTrusted && holdsPrompt(document);
  }

  /** A gesture was about this document. Whether it is new here. */
  take(document: vscode.TextDocument): boolean {
    const known = this.includes(document);
    this.asked.add(document.uri.toString());
    return !known;
  }

  forget(uri: vscode.Uri): void {
    this.asked.delete(uri.toString());
  }
}
