// The language client, as it is made for one start of the server; built apart, so that activation need not read the library.
// What must not live here: when it is started and stopped.
import type * as vscode from "vscode";
import {
  CloseAction,
  CodeLensRequest,
  ErrorAction,
  LanguageClient,
  ProgressType,
  State,
  type DynamicFeature,
  type LanguageClientOptions,
  type ServerOptions,
  type StaticFeature,
} from "vscode-languageclient/node";
import { middleware, type Around } from "./middleware";

/** What is done around the client. */
export interface Beside {
  around: Around;
  /** It runs. */
  runs: () => void;
  /** It ended by itself; answers whether it is to be started again. */
  ended: () => boolean;
}

/** The server's commands are carried out by the extension, with the same arguments; so they are not registered a second time. */
class Client extends LanguageClient {
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const isCommands =
      "registrationType" in feature && feature.registrationType.method === "workspace/executeCommand";
    if (!isCommands) super.registerFeature(feature);
  }
}

/** A client that is not started yet. */
export function makeClient(
  server: ServerOptions,
  output: vscode.LogOutputChannel,
  beside: Beside,
): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-remote" }],
    outputChannel: output,
    traceOutputChannel: output,
    middleware: middleware(beside.around),
    synchronize: { configurationSection: "limpid" },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        const action = beside.ended() ? CloseAction.Restart : CloseAction.DoNotRestart;
        return { action, handled: true };
      },
    },
  };
  const client = new Client("limpid", "Limpid", server, options);
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Running) beside.runs();
  });
  return client;
}

/** Has VS Code ask anew for the lenses of a document. */
export function askForLenses(client: LanguageClient, document: vscode.TextDocument): void {
  client.getFeature(CodeLensRequest.method).getProvider(document)?.onDidChangeCodeLensEmitter.fire();
}

/** Parts of a result, sent ahead of it. */
export const PARTS = new ProgressType<unknown>();
