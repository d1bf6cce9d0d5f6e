// Estimates are replaced in place by what is measured; the same change is the same however it is spelled.
import { describe, expect, it } from "vitest";
import type { EffectRow } from "../src/generated/protocol";
import { changeKey, describeChange, selectionOf, switchable } from "../webview/interventions";
import { figureOf, merge, NOTHING_MEASURED, standing } from "../webview/measured";

const head = { kind: "head_zero", layer: 9, head: 6 } as const;
const row = (part: Partial<EffectRow>): EffectRow => ({ intervention: head, effect: 1.25, ...part });

describe("figures", () => {
  it("stand at the estimate until the effect takes its place", () => {
    const before = figureOf(NOTHING_MEASURED, head, 0.5);
    expect(before).toEqual({ estimate: 0.5, effect: null, disagreement: null, error: null });
    expect(standing(before)).toBe(0.5);
    const after = figureOf(merge(NOTHING_MEASURED, [row({})]), head, 0.5);
    expect(after).toMatchObject({ estimate: 0.5, effect: 1.25, disagreement: null });
    expect(standing(after)).toBe(1.25);
  });

  it("differ in sign before the daemon says so, but not around nothing", () => {
    const measured = merge(NOTHING_MEASURED, [row({ effect: -0.4 })]);
    expect(figureOf(measured, head, 0.5).disagreement).toBe("sign");
    expect(figureOf(measured, head, 0.01).disagreement).toBeNull();
    expect(figureOf(merge(NOTHING_MEASURED, [row({ disagreement: "rank" })]), head, 1).disagreement).toBe(
      "rank",
    );
  });

  it("know what the answer itself knows", () => {
    expect(figureOf(NOTHING_MEASURED, head, 1, { effect: 2, disagreement: "rank" })).toMatchObject({
      effect: 2,
      disagreement: "rank",
    });
  });

  it("say why a run failed", () => {
    const measured = merge(NOTHING_MEASURED, [row({ effect: null, error: "not finite" })]);
    expect(figureOf(measured, head, 1)).toMatchObject({ effect: null, error: "not finite" });
  });
});

describe("merging", () => {
  it("keeps places, replaces rows, and keeps what a later row does not know", () => {
    const other = row({ intervention: { kind: "mlp_zero", layer: 1 }, score: 3 });
    let measured = merge(NOTHING_MEASURED, [row({ score: 0.5, disagreement: "rank" }), other]);
    measured = merge(measured, [row({ effect: 1.5, score: null })]);
    expect([...measured.values()].map(({ effect }) => effect)).toEqual([1.5, 1.25]);
    expect(measured.get(changeKey(head))).toMatchObject({ score: 0.5, disagreement: "rank" });
    expect(merge(measured, [])).toBe(measured);
  });
});

describe("changes", () => {
  it("have one key for what is the same", () => {
    expect(changeKey({ kind: "head_zero", head: 6, layer: 9, position: null })).toBe(changeKey(head));
    expect(changeKey({ kind: "span_knockout", span: [3, 4] })).toBe(
      changeKey({ kind: "knockout", token: 3 }),
    );
    expect(changeKey([head])).toBe(changeKey(head));
    expect(changeKey({ ...head, position: 2 })).not.toBe(changeKey(head));
  });

  it("are told in words", () => {
    const tokens = ["The", "·capital"].map((display, index) => ({ index, id: index, display }));
    expect(describeChange({ kind: "knockout", token: 1 }, tokens)).toBe("hide ·capital (1)");
    expect(describeChange([head, { kind: "mlp_scale", layer: 3, value: 0.5, position: 1 }], tokens)).toBe(
      "L9H6 off + MLP L3 × 0.5 at 1",
    );
    expect(describeChange({ kind: "neuron_set", layer: 2, neuron: 12, value: 0 }, tokens)).toBe("L2 N12 off");
  });

  it("lead back to what they act on", () => {
    expect(selectionOf(head)).toEqual({ kind: "head", layer: 9, head: 6 });
    expect(selectionOf({ kind: "span_knockout", span: [2, 5] })).toEqual({ kind: "span", start: 2, end: 5 });
    expect(selectionOf([head, head])).toBeNull();
  });

  it("are offered everywhere or at one place, and refused with a reason", () => {
    const target = { position: 4, id: 1, text: "x" };
    const selection = { kind: "head", layer: 9, head: 6, position: 4 } as const;
    expect(switchable(selection, target, true)).toMatchObject({ off: head, where: 4 });
    expect(switchable(selection, target, false)).toMatchObject({ off: { ...head, position: 4 } });
    expect(switchable({ kind: "position", position: 4 }, target, true)).toHaveProperty("reason");
    const from = { kind: "resid_post", layer: 6, position: 1 } as const;
    const to = { kind: "resid_mid", layer: 7, position: 4 } as const;
    expect(switchable({ kind: "edge", from, to, edge: "attention" }, target, true)).toMatchObject({
      off: { kind: "edge_knockout", layer: 7, query: 4, key: 1 },
    });
    expect(switchable({ kind: "edge", from, to, edge: "residual" }, target, true)).toHaveProperty("reason");
  });
});
