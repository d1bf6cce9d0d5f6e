// The editor never waits for lenses: it hears of late ones when they are there, once.
import { CancellationTokenSource, CodeLens, Range, type TextDocument } from "vscode";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PromptLenses } from "../src/lenses";

const document = { uri: "file:///a.prompt", version: 1, isClosed: false } as unknown as TextDocument;
const { token } = new CancellationTokenSource();
const lens = (title: string) => new CodeLens(new Range(0, 0, 0, 0), { title, command: "limpid.inspect" });
const after = (ms: number, title: string) => () =>
  new Promise<CodeLens[]>((resolve) => setTimeout(() => resolve([lens(title), lens("Target…")]), ms));
const titles = (lenses: CodeLens[] | null | undefined) => lenses?.map(({ command }) => command?.title);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Asks, and lets `ms` pass. */
async function asked(lenses: PromptLenses, next: () => Promise<CodeLens[]>, ms: number) {
  const answer = lenses.provide(document, token, next);
  await vi.advanceTimersByTimeAsync(ms);
  return titles(await answer);
}

test("lenses that come at once are passed on", async () => {
  const again = vi.fn();
  const lenses = new PromptLenses(again);
  expect(await asked(lenses, after(20, "Limpid: ·Paris 77 %"), 20)).toEqual([
    "Limpid: ·Paris 77 %",
    "Target…",
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(again).not.toHaveBeenCalled();
});

test("late ones are asked for again once they are there, and nothing is stuck meanwhile", async () => {
  const again = vi.fn();
  const lenses = new PromptLenses(again);
  await asked(lenses, after(20, "Limpid: small is loading, 82 %"), 20);
  expect(await asked(lenses, after(40_000, "Limpid: ·and 20 %"), 1000)).toEqual([
    "Limpid: reading the prompt …",
    "Target…",
  ]);
  expect(again).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(40_000);
  expect(again).toHaveBeenCalledTimes(1);
  expect((await asked(lenses, after(5, "Limpid: ·and 20 %"), 5))?.[0]).toBe("Limpid: ·and 20 %");
});

test("a daemon that is always late is not asked for ever", async () => {
  const again = vi.fn();
  const lenses = new PromptLenses(again);
  await asked(lenses, after(5000, "Limpid: ·and 20 %"), 6000);
  expect(await asked(lenses, after(5000, "Limpid: ·and 20 %"), 6000)).toEqual([
    "Limpid: ·and 20 %",
    "Target…",
  ]);
  expect(again).toHaveBeenCalledTimes(1);
});

test("another text ends what was asked of the one before", async () => {
  const lenses = new PromptLenses(() => undefined);
  const tokens: { isCancellationRequested: boolean }[] = [];
  const next = (_: unknown, own: { isCancellationRequested: boolean }) => {
    tokens.push(own);
    return after(5000, "Limpid: ·and 20 %")();
  };
  void lenses.provide(document, token, next);
  await vi.advanceTimersByTimeAsync(1000);
  void lenses.provide({ ...document, version: 2 }, token, next);
  expect(tokens.map((own) => own.isCancellationRequested)).toEqual([true, false]);
});
