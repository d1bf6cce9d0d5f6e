// Starts, stops and restarts the language server, one attempt at a time; the rest of the extension asks for it when it needs it.
// What must not live here: what is asked of it.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { findBinary } from "./binary";
import { settings } from "./settings";
import type { TakenDocuments } from "./taken_documents";

/** A server that ends more often than this in that time is left alone until somebody asks for it. */
const MOST_ENDS = 3;
const WATCHED_MS = 180_000;

export type ServerState = "off" | "starting" | "on" | "failed";

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  /** The start under way; whoever asks meanwhile waits for the same one. */
  private starting: Promise<LanguageClient> | undefined;
  /** When the server ended by itself, lately. */
  private ends: number[] = [];
  private readonly changed = new vscode.EventEmitter<ServerState>();
  readonly onDidChange = this.changed.event;
  private readonly hovered = new vscode.EventEmitter<{
    document: vscode.TextDocument;
    position: vscode.Position;
  }>();
  /** The pointer rests on a place of a prompt. */
  readonly onDidHover = this.hovered.event;
  /** Whether heat is shown on a document. */
  isPainted: (document: vscode.TextDocument) => boolean = () => false;
  state: ServerState = "off";
  version = "";

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly taken: TakenDocuments,
    private readonly output: vscode.LogOutputChannel,
  ) {}

  private become(state: ServerState): void {
    this.state = state;
    this.changed.fire(state);
  }

  /** The running client; starts it unless it runs. */
  started(): Promise<LanguageClient> {
    if (this.client?.isRunning()) return Promise.resolve(this.client);
    this.starting ??= this.start().finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** The client if it runs; nothing is started. */
  get running(): LanguageClient | undefined {
    return this.client?.isRunning() ? this.client : undefined;
  }

  private async start(): Promise<LanguageClient> {
    this.become("starting");
    try {
      await this.discard();
      const binary = await findBinary(this.context);
      this.version = binary.version;
      this.output.info(`starting ${binary.path} (${binary.version})`);
      const client = await this.make(binary.path);
      await client.start();
      this.client = client;
      this.become("on");
      return client;
    } catch (error) {
      this.output.error(`start failed: ${error instanceof Error ? error.message : String(error)}`);
      this.become("failed");
      throw error;
    }
  }

  private async make(command: string): Promise<LanguageClient> {
    const device = settings.device();
    const budget = settings.memoryBudget();
    const args = ["lsp"];
    if (device !== "auto") args.push("--device", device);
    if (budget) args.push("--memory-budget", budget);
    // The library is half of what activation would read, and needed here only.
    const { askForLenses, makeClient } = await import("./client");
    const client: LanguageClient = makeClient({ command, args }, this.output, {
      around: {
        taken: this.taken,
        hovered: (document, position) => this.hovered.fire({ document, position }),
        isPainted: (document) => this.isPainted(document),
        open: (document) => this.open(document),
        askForLenses: (document) => this.client && askForLenses(this.client, document),
      },
      runs: () => {
        if (this.client === client) this.become("on");
      },
      ended: () => this.ended(),
    });
    return client;
  }

  /** The forwarder itself takes up with a new daemon. When it ends too it is started again, quietly, unless it keeps ending. */
  private ended(): boolean {
    const now = Date.now();
    this.ends = [...this.ends.filter((at) => now - at < WATCHED_MS), now];
    const again = this.ends.length <= MOST_ENDS;
    this.output.warn(again ? "the server ended; starting it again" : "the server keeps ending");
    this.become(again ? "starting" : "failed");
    return again;
  }

  /** Tells the server of a document that it was not told of by itself. */
  async open(document: vscode.TextDocument): Promise<LanguageClient> {
    this.taken.ask(document);
    // A client that starts tells of every document that is wanted.
    const client = await this.started();
    if (!this.taken.knows(document)) {
      this.taken.tell(document);
      const params = client.code2ProtocolConverter.asOpenTextDocumentParams(document);
      await client.sendNotification("textDocument/didOpen", params);
    }
    return client;
  }

  private async discard(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client === undefined) return;
    try {
      await client.dispose(3000);
    } catch {
      // It is gone already.
    }
  }

  /** Ends the server and starts it anew. Restarts asked for meanwhile are this one. */
  async restart(): Promise<void> {
    await this.starting?.catch(() => undefined);
    await this.discard();
    await this.started();
  }

  async stop(): Promise<void> {
    await this.starting?.catch(() => undefined);
    await this.discard();
    this.become("off");
  }

  dispose(): void {
    void this.discard();
    this.changed.dispose();
    this.hovered.dispose();
  }
}
