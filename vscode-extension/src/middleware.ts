// Keeps the daemon out of documents that are none of its business, and adds working links to its hovers.
// What must not live here: the client's life.
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import { PromptLenses } from "./lenses";
import { opensFence, type TakenDocuments } from "./taken_documents";

/** Commands that links of a hover may run; nothing else, whatever a prompt says. */
const LINKED = [
  "limpid.panel",
  "limpid.measureHere",
  "limpid.setTarget",
  "limpid.peekFed",
  "limpid.peekSources",
];

function link(title: string, command: string, about: object, tip: string): string {
  return `[${title}](command:${command}?${encodeURIComponent(JSON.stringify([about]))} "${tip}")`;
}

/** The line of links below a token's hover. Its text is ours alone: prompt text stays in the untrusted part. */
function links(document: vscode.TextDocument, position: vscode.Position): vscode.MarkdownString {
  const about = {
    uri: document.uri.toString(),
    position: { line: position.line, character: position.character },
  };
  const text = [
    link("Panel", "limpid.panel", about, "Show this token in the panel"),
    link("Hide and measure", "limpid.measureHere", about, "Run the model without this token"),
    link("Set as target", "limpid.setTarget", { ...about, here: true }, "Explain this token"),
    link("What it rests on", "limpid.peekSources", about, "Peek at the spans it rests on"),
    link("What it fed", "limpid.peekFed", about, "Peek at the later tokens that it fed"),
  ].join("\u2002");
  const markdown = new vscode.MarkdownString(text);
  markdown.isTrusted = { enabledCommands: LINKED };
  return markdown;
}

/** Hovers of keys and settings explain no token: nothing to measure there. */
function isOfToken(hover: vscode.Hover): boolean {
  return hover.contents.some((part) => {
    const text = part instanceof vscode.MarkdownString ? part.value : "";
    return /token [\d,]+ of [\d,]+/.test(text);
  });
}

/** What the middleware asks and tells. */
export interface Around {
  taken: TakenDocuments;
  /** The pointer rests on a place of a prompt: the panel lights up the same token. */
  hovered: (document: vscode.TextDocument, position: vscode.Position) => void;
  /** Whether heat is shown on a document. */
  isPainted: (document: vscode.TextDocument) => boolean;
  /** Tells the server of a document that has become a prompt. */
  open: (document: vscode.TextDocument) => Promise<unknown>;
  /** Has the editor ask for a document's lenses once more. */
  askForLenses: (document: vscode.TextDocument) => void;
}

export function middleware({ taken, hovered, isPainted, open, askForLenses }: Around): Middleware {
  const lenses = new PromptLenses(askForLenses);
  /** Runs `next` for documents that the server knows; for others answers nothing. */
  const ours = <T>(document: vscode.TextDocument, next: () => T): T | undefined =>
    taken.knows(document) ? next() : undefined;
  return {
    workspace: {
      // A client that is being ended has nobody to tell.
      didChangeConfiguration: async (sections, next) => {
        await next(sections).catch(() => undefined);
      },
    },
    didOpen: async (document, next) => {
      if (!taken.wants(document)) return;
      taken.tell(document);
      await next(document);
    },
    didChange: async (event, next) => {
      if (taken.knows(event.document)) await next(event);
      else if (opensFence(event) && taken.wants(event.document)) await open(event.document);
    },
    didSave: async (document, next) => {
      if (taken.knows(document)) await next(document);
    },
    didClose: async (document, next) => {
      if (taken.knows(document)) await next(document);
      taken.forget(document);
      lenses.forget(document);
    },
    provideHover: async (document, position, token, next) => {
      if (taken.knows(document)) hovered(document, position);
      const hover = await ours(document, () => next(document, position, token));
      if (hover && isOfToken(hover)) hover.contents.push(links(document, position));
      return hover;
    },
    provideInlayHints: (document, range, token, next) => ours(document, () => next(document, range, token)),
    provideCodeLenses: (document, token, next) => ours(document, () => lenses.provide(document, token, next)),
    provideCodeActions: (document, range, context, token, next) =>
      ours(document, () => next(document, range, context, token)),
    provideDiagnostics: (document, previous, token, next) => {
      const uri = document instanceof vscode.Uri ? document : document.uri;
      const known = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
      return known && taken.knows(known) ? next(document, previous, token) : undefined;
    },
    // Where heat is painted the editor's own highlight of the same tokens would mix with its colours.
    provideDocumentHighlights: (document, position, token, next) =>
      isPainted(document) ? undefined : ours(document, () => next(document, position, token)),
    provideDefinition: (document, position, token, next) =>
      ours(document, () => next(document, position, token)),
    provideReferences: (document, position, options, token, next) =>
      ours(document, () => next(document, position, options, token)),
    provideDocumentSymbols: (document, token, next) => ours(document, () => next(document, token)),
    provideFoldingRanges: (document, context, token, next) =>
      ours(document, () => next(document, context, token)),
    provideSelectionRanges: (document, positions, token, next) =>
      ours(document, () => next(document, positions, token)),
    prepareCallHierarchy: (document, position, token, next) =>
      ours(document, () => next(document, position, token)),
    provideDocumentSemanticTokens: (document, token, next) => ours(document, () => next(document, token)),
    provideDocumentColors: (document, token, next) => ours(document, () => next(document, token)),
    provideCompletionItem: (document, position, context, token, next) =>
      ours(document, () => next(document, position, context, token)),
  };
}
