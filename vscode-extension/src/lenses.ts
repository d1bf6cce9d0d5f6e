// Lenses without waiting: VS Code asks for lenses as seldom as answers were slow, for every document, so one long prompt would leave
// "is loading" standing above all of them. What takes longer than a moment is told of when it is there.
// What must not live here: what lenses say, which is the daemon's.
import * as vscode from "vscode";

type Lenses = vscode.CodeLens[] | null | undefined;

/** So long an answer is waited for. */
const MOMENT_MS = 300;
const LATE = Symbol("late");

/** What says what goes on above a prompt; the other lenses are what can be done there. */
function isSummary(lens: vscode.CodeLens): boolean {
  return lens.command?.title.startsWith("Limpid: ") === true;
}

function titles(lenses: Lenses): string {
  return JSON.stringify((lenses ?? []).map((lens) => [lens.range.start.line, lens.command?.title]));
}

/** Lenses of before, which say that new ones are on their way. */
function meanwhile(before: Lenses): vscode.CodeLens[] {
  return (before ?? []).map((lens) =>
    lens.command && isSummary(lens)
      ? new vscode.CodeLens(lens.range, { ...lens.command, title: "Limpid: reading the prompt …" })
      : lens,
  );
}

export class PromptLenses {
  /** What was answered last, in time or late, by document. */
  private readonly last = new Map<string, Lenses>();
  /** Answers that came late, and the version they are of. */
  private readonly late = new Map<string, { version: number; lenses: Lenses }>();
  /** What is still asked, though the editor waits no longer. */
  private readonly asked = new Map<string, { version: number; cancel: vscode.CancellationTokenSource }>();

  /** `askAgain` has the editor ask for a document's lenses once more. */
  constructor(private readonly askAgain: (document: vscode.TextDocument) => void) {}

  async provide(
    document: vscode.TextDocument,
    token: vscode.CancellationToken,
    next: (document: vscode.TextDocument, token: vscode.CancellationToken) => vscode.ProviderResult<Lenses>,
  ): Promise<Lenses> {
    const key = document.uri.toString();
    const { version } = document;
    const before = this.asked.get(key);
    if (before && before.version !== version) before.cancel.cancel();
    // Its own: the editor is answered long before a late answer comes.
    const cancel = new vscode.CancellationTokenSource();
    const listening = token.onCancellationRequested(() => cancel.cancel());
    const answer = Promise.resolve(next(document, cancel.token));
    let timer: NodeJS.Timeout | undefined;
    const moment = new Promise<typeof LATE>(
      (resolve) => (timer = setTimeout(() => resolve(LATE), MOMENT_MS)),
    );
    try {
      const first = await Promise.race([answer, moment]);
      if (first !== LATE) {
        this.last.set(key, first);
        this.late.delete(key);
        return first;
      }
    } finally {
      clearTimeout(timer);
      listening.dispose();
    }
    this.asked.set(key, { version, cancel });
    const known = this.late.get(key);
    const shown = known?.version === version ? known.lenses : meanwhile(this.last.get(key));
    answer.then(
      (lenses) => {
        if (document.isClosed || document.version !== version) return;
        this.last.set(key, lenses);
        this.late.set(key, { version, lenses });
        if (titles(lenses) !== titles(shown)) this.askAgain(document);
      },
      () => undefined,
    );
    return shown;
  }

  forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    this.asked.get(key)?.cancel.cancel();
    for (const kept of [this.last, this.late, this.asked]) kept.delete(key);
  }
}
