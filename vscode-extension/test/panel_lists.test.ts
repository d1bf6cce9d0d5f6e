// Orders, windows, bins, words: the pure parts of what the panel lists.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CompareRow, Routes } from "../src/generated/protocol";
import { differencesFirst, reachCounts } from "../webview/compare/compare_rows";
import { exists, firstCut } from "../webview/by_part/part_kinds";
import { binned } from "../webview/inspector/activation_bins";
import { gluWords } from "../webview/inspector/glu_words";
import { readersOf } from "../webview/inspector/token_routes";
import { code, table } from "../webview/markdown";
import { added, firstDifference, NOT_WRITTEN } from "../webview/prediction/continuation";
import { united } from "../webview/rankings/rankings";
import { pressed, sorted } from "../webview/sorting";
import { heatOf, tokenFigures } from "../webview/strip/heat";
import { NOTHING_MEASURED } from "../webview/measured";
import { keepOrMove, MOST_TOKENS, moved, windowAround } from "../webview/strip/windowing";

describe("sorting", () => {
  const rows = [{ v: 0.2 }, { v: null }, { v: -3 }, { v: 1 }];

  it("puts the strongest first whatever its sign, and what is unknown last", () => {
    expect(sorted(rows, ({ v }) => v, true).map(({ v }) => v)).toEqual([-3, 1, 0.2, null]);
    expect(sorted(rows, ({ v }) => v, false).map(({ v }) => v)).toEqual([0.2, 1, -3, null]);
  });

  it("turns when the same heading is pressed", () => {
    const first = pressed({ by: "flow", isFalling: true }, "effect", false);
    expect(first).toEqual({ by: "effect", isFalling: true });
    expect(pressed(first, "effect", false).isFalling).toBe(false);
    expect(pressed(first, "name", true).isFalling).toBe(false);
  });
});

describe("rankings", () => {
  it("unite without doubles, the first list's rows kept", () => {
    const first = [{ name: "a", from: 1 }];
    const second = [
      { name: "b", from: 2 },
      { name: "a", from: 2 },
    ];
    expect(united(first, second, ({ name }) => name)).toEqual([first[0], second[0]]);
  });
});

describe("windows of a long prompt", () => {
  it("hold the focus, are as long as can be, and stay within the prompt", () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.option(fc.nat(20_000)), (count, wanted) => {
        const focus = wanted === null || count === 0 ? null : wanted % count;
        const { start, end } = windowAround(count, focus);
        expect(end - start).toBe(Math.min(count, MOST_TOKENS));
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(count);
        if (focus !== null) expect(start <= focus && focus < end).toBe(true);
      }),
    );
  });

  it("end where the prompt ends, move by halves, and stay where they can", () => {
    const most = 1000;
    const last = windowAround(5000, null, most);
    expect(last).toEqual({ start: 4000, end: 5000 });
    expect(moved(last, 5000, -1, most)).toEqual({ start: 3500, end: 4500 });
    expect(moved({ start: 100, end: 1100 }, 5000, -1, most).start).toBe(0);
    expect(moved(last, 5000, 1, most)).toEqual(last);
    expect(keepOrMove(last, 5000, 4200, most)).toBe(last);
    expect(keepOrMove(last, 5000, 10, most).start).toBe(0);
    expect(keepOrMove(last, 800, null, most)).toEqual({ start: 0, end: 800 });
  });
});

describe("activations", () => {
  it("fold into the strongest of each bin", () => {
    expect(binned([1, -5, 2, 0, 3], 3)).toEqual([
      { position: 1, value: -5 },
      { position: 2, value: 2 },
      { position: 4, value: 3 },
    ]);
    expect(binned([1, 2], 10)).toHaveLength(2);
  });
});

describe("sign cases", () => {
  const words = (pre: number, pre_linear: number | null, activation: number) =>
    gluWords({ pre, pre_linear, row: { activation } });

  it("are spelled out", () => {
    expect(words(1.2, 2, 2.4)).toMatch(/gate 1.20 × up 2.00 → 2.40.*as it is/);
    expect(words(1.2, -2, -2.4)).toMatch(/reversed.*swapped/);
    expect(words(-0.5, 2, -0.3)).toMatch(/sign turned.*reversed, faintly/);
    expect(words(-0.5, -2, 0.3)).toMatch(/cancel.*as it is, faintly/);
    expect(words(0, 2, 0)).toMatch(/off here/);
    expect(words(1, null, 0.8)).toMatch(/pre-activation 1.00 → 0.80/);
    expect(words(-1, null, 0)).toMatch(/off here/);
  });
});

describe("heat", () => {
  const attribution = {
    method: "atp",
    objective: "log_odds",
    unit: "nats",
    value: 1,
    scores: [-9, 1, -0.5, 0],
    others: { atp: [-9, 1, -0.5, 0], flow: [0.7, 0.2, 0.1, 0] },
  } as const;
  const copy = { ...attribution, scores: [...attribution.scores], others: { flow: [0.7, 0.2, 0.1, 0] } };

  it("never scales by the first token", () => {
    const heat = heatOf(copy, tokenFigures(copy, NOTHING_MEASURED), "attribution");
    expect(heat.largest).toBe("+1.00");
    expect(heat.tokens.map(({ name }) => name)).toEqual(["", "support7", "oppose4", ""]);
    expect(heatOf(copy, [], "flow")).toMatchObject({ kind: "flow", largest: "20 %" });
  });

  it("shows effects only where some are measured", () => {
    expect(heatOf(copy, tokenFigures(copy, NOTHING_MEASURED), "effect").kind).toBe("attribution");
    const known = { ...copy, effects: [null, 0.4, null, null] };
    const heat = heatOf(known, tokenFigures(known, NOTHING_MEASURED), "effect");
    expect(heat).toMatchObject({ kind: "effect", largest: "+0.40" });
    expect(heat.tokens[2]?.name).toBe("");
  });
});

describe("readers of a token", () => {
  it("share an attention edge's flow by their contributions", () => {
    const node = { kind: "resid_post", layer: 0, flow: 1 } as const;
    const routes: Routes = {
      prune: "mass=0.9",
      shown: 1,
      nodes: [
        { ...node, node: 0, position: 1 },
        { ...node, kind: "resid_mid", node: 1, layer: 1, position: 4 },
      ],
      edges: [
        {
          from: 0,
          to: 1,
          kind: "attention",
          contribution: 0.4,
          flow: 0.2,
          heads: [
            { head: 3, contribution: 0.3 },
            { head: 5, contribution: 0.1 },
          ],
        },
      ],
    };
    const readers = readersOf(routes, 1);
    expect(readers.map(({ head }) => head)).toEqual([3, 5]);
    expect(readers[0]?.flow).toBeCloseTo(0.15);
    expect(readersOf(routes, 4)).toEqual([]);
  });
});

describe("continuations", () => {
  const token = (id: number) => ({ id, text: "x", logprob: 0, prob: 1, rank: 1 });

  it("grow on the side a piece belongs to", () => {
    let both = added(NOT_WRITTEN, { tokens: [token(1)], text: "x", side: "switched" });
    both = added(both, { tokens: [token(2)], text: "x", side: "unchanged" });
    expect(both.written.tokens).toHaveLength(1);
    expect(both.unchanged?.tokens).toHaveLength(1);
  });

  it("part at the first token that differs, not where one is merely longer", () => {
    expect(firstDifference([token(1), token(2)], [token(1), token(3)])).toBe(1);
    expect(firstDifference([token(1)], [token(1), token(3)])).toBeNull();
  });
});

describe("comparisons", () => {
  const cell = (share: number) => ({ tokens: { start: 0, end: 1 }, attribution: share, flow: 0, share });
  const rows: CompareRow[] = [
    { text: "even", change: "same", reach: "everywhere", cells: [cell(0.5), cell(0.5)] },
    { text: "one", change: "same", reach: "some", cells: [cell(0.1), cell(0.7)] },
    { text: "new", change: "added", reach: "nowhere", cells: [null, cell(0.02)] },
  ];

  it("put differences first", () => {
    expect(differencesFirst(rows).map(({ text }) => text)).toEqual(["new", "one", "even"]);
    expect(reachCounts(rows)).toEqual({ everywhere: 1, some: 1, nowhere: 1 });
  });
});

describe("cuts", () => {
  const part = { kind: "line", text: "a", tokens: { start: 0, end: 1 }, n_tokens: 1 } as const;
  const view = (parts: unknown[], by = "line") => ({ by, parts }) as never;

  it("exist where there is more than one part of that kind", () => {
    expect(exists(view([part]))).toBe(false);
    expect(exists(view([part, part]))).toBe(true);
    expect(exists(view([{ ...part, kind: "text" }, part], "message"))).toBe(false);
    expect(firstCut(["word", "line"])).toBe("line");
    expect(firstCut([])).toBeNull();
  });
});

describe("Markdown", () => {
  it("holds any token without breaking", () => {
    expect(code("a`b")).toBe("``a`b``");
    expect(code("`")).toBe("`` ` ``");
    expect(table(["a"], [[code("x|y")]])).toBe("| a |\n| --- |\n| `x\\|y` |");
  });
});
