// The runs of this window: the one shown, those before it, pinned ones; kept over a reload as questions, not as answers.
// What must not live here: asking the daemon, and anything that is drawn.
import * as vscode from "vscode";
import type { RunHead } from "../webview/messages";
import { afterChange } from "./places";
import type { Server } from "./language_client";
import { Run, type Question } from "./run";

/** So many runs are remembered beside the pinned ones. */
const MOST = 30;
/** Longer texts are not kept over a reload, in characters. */
const LONGEST_KEPT = 200_000;
const KEY = "limpid.runs";

interface Kept {
  head: RunHead;
  question: Question;
  version: number;
  text: string;
  analysis: string | undefined;
}

export class Runs implements vscode.Disposable {
  private list: Run[] = [];
  private current: Run | undefined;
  private next = 1;
  private readonly changed = new vscode.EventEmitter<void>();
  /** The run shown, a head, or the list changed. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: Server,
  ) {
    const kept = context.workspaceState.get<Kept[]>(KEY, []);
    this.list = kept.map((one) => {
      const run = new Run(server, one.question, one.version, one.text, one.head.id, one.head.title);
      // Documents count their versions anew after a reload; the text says whether it is the same prompt.
      const document = vscode.workspace.textDocuments.find(
        (open) => open.uri.toString() === one.question.place.uri,
      );
      run.head = { ...one.head, is_stale: document !== undefined && document.getText() !== one.text };
      run.analysis = one.analysis;
      return run;
    });
    const shown = context.workspaceState.get<string>(`${KEY}.shown`);
    this.current = this.list.find((run) => run.head.id === shown);
    for (const run of this.list) {
      const number = Number(run.head.id.slice(1));
      if (number >= this.next) this.next = number + 1;
    }
  }

  get shown(): Run | undefined {
    return this.current;
  }

  /** Newest first. */
  get all(): readonly Run[] {
    return this.list;
  }

  find(id: string): Run | undefined {
    return this.list.find((run) => run.head.id === id);
  }

  /** The run before this one of the same prompt with another text. */
  before(run: Run): Run | undefined {
    const later = this.list.slice(this.list.indexOf(run) + 1);
    return later.find((other) => other.head.uri === run.head.uri && other.text !== run.text);
  }

  make(question: Question, document: vscode.TextDocument, title: string): Run {
    return new Run(this.server, question, document.version, document.getText(), `r${this.next++}`, title);
  }

  /** Puts a run first and shows it. The same question about the same text is one run. */
  show(run: Run): void {
    const same = this.list.find(
      (other) =>
        other !== run &&
        other.text === run.text &&
        JSON.stringify(other.question) === JSON.stringify(run.question),
    );
    if (same) run.head = { ...run.head, is_pinned: same.head.is_pinned };
    const others = this.list.filter((other) => other !== run && other !== same);
    let unpinned = 0;
    const stays = others.filter((other) => other.head.is_pinned || ++unpinned < MOST);
    this.list = [run, ...stays];
    this.current = run;
    this.save();
  }

  /** Shows one that is there, without moving it. */
  pick(run: Run): void {
    this.current = run;
    this.save();
  }

  pin(run: Run, isPinned: boolean): void {
    run.head = { ...run.head, is_pinned: isPinned };
    this.save();
  }

  forget(run: Run): void {
    this.list = this.list.filter((other) => other !== run);
    if (this.current === run) this.current = undefined;
    this.save();
  }

  hide(): void {
    this.current = undefined;
    this.save();
  }

  /** A document changed or came: which of its runs are of an older text. */
  compareWith(document: vscode.TextDocument): void {
    const uri = document.uri.toString();
    const concerned = this.list.filter((run) => run.head.uri === uri);
    if (concerned.length === 0) return;
    const text = document.getText();
    let any = false;
    for (const run of concerned) {
      const isStale = run.text !== text;
      any ||= isStale !== run.head.is_stale;
      run.head = { ...run.head, is_stale: isStale };
    }
    if (any) this.changed.fire();
  }

  /** A document was edited: selections move with their text. */
  edited(document: vscode.TextDocument, changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
    const uri = document.uri.toString();
    for (const run of this.list) {
      const { place } = run.question;
      if (place.uri !== uri || !place.range) continue;
      // Changes of one event are of the text before it; the last ones first, so that none moves another.
      place.range = [...changes]
        .sort((a, b) => b.rangeOffset - a.rangeOffset)
        .reduce((range, change) => afterChange(range, change), place.range);
    }
    this.compareWith(document);
  }

  touched(): void {
    this.save();
  }

  private save(): void {
    const small = this.list.filter((run) => run.text.length <= LONGEST_KEPT);
    const kept: Kept[] = small.map((run) => ({
      head: run.head,
      question: run.question,
      version: run.version,
      text: run.text,
      analysis: run.analysis,
    }));
    void this.context.workspaceState.update(KEY, kept);
    void this.context.workspaceState.update(`${KEY}.shown`, this.current?.head.id);
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
  }
}
