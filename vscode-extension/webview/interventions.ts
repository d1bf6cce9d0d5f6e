// Changes of a run: one spelling to compare them by, words to show them, and what a selection can be changed to.
// What must not live here: running them (measuring.ts), anything drawn.
import type { Change, Intervention, TableToken, Target } from "../src/generated/protocol";
import { canonical } from "./canonical";
import { headName, neuronName } from "./display";
import type { Selection } from "./messages";

/** Names a change: two that do the same have the same key. */
export function changeKey(change: Change): string {
  if (typeof change === "string") return change;
  if (Array.isArray(change)) return change.length === 1 ? changeKey(change[0] ?? "") : canonical(change);
  const { kind, span, value } = change;
  if (kind === "span_knockout" && span && span[1] === span[0] + 1) {
    return canonical({ kind: "knockout", token: span[0] });
  }
  if (kind === "neuron_scale" && value === 0) return canonical({ ...change, kind: "neuron_set" });
  return canonical(change);
}

/** A change in a few words: `hide ·France (3)`, `L9H6 off`, `MLP L3 × 0.5`. */
export function describeChange(change: Change, tokens: readonly TableToken[]): string {
  if (typeof change === "string") return change;
  if (Array.isArray(change)) return change.map((one) => describeChange(one, tokens)).join(" + ");
  const at = typeof change.position === "number" ? ` at ${change.position}` : "";
  const shown = (index: number | null | undefined) => tokens[index ?? -1]?.display ?? `token ${index ?? "?"}`;
  const head = headName(change.layer ?? 0, change.head ?? 0);
  const neuron = neuronName(change.layer ?? 0, change.neuron ?? 0);
  const mlp = `MLP L${change.layer ?? 0}`;
  const value = change.value ?? 0;
  switch (change.kind) {
    case "knockout":
      return `hide ${shown(change.token)} (${change.token ?? "?"})`;
    case "span_knockout":
      return `hide ${shown(change.span?.[0])} … ${shown((change.span?.[1] ?? 0) - 1)}`;
    case "edge_knockout": {
      const by = typeof change.head === "number" ? head : `L${change.layer ?? 0}`;
      return `cut ${by} ${change.query ?? "?"} ← ${change.key ?? "?"}`;
    }
    case "delete":
      return `delete ${shown(change.token ?? change.span?.[0])}`;
    case "replace":
      return `replace ${shown(change.token ?? change.span?.[0])}`;
    case "head_zero":
      return `${head} off${at}`;
    case "head_scale":
      return `${head} × ${value}${at}`;
    case "head_set":
      return `${head} = ${value}${at}`;
    case "mlp_zero":
      return `${mlp} off${at}`;
    case "mlp_scale":
      return `${mlp} × ${value}${at}`;
    case "mlp_set":
      return `${mlp} = ${value}${at}`;
    case "neuron_set":
      return value === 0 ? `${neuron} off${at}` : `${neuron} = ${value}${at}`;
    case "neuron_scale":
      return value === 0 ? `${neuron} off${at}` : `${neuron} × ${value}${at}`;
    case "direction_add":
      return `add a direction at L${change.layer ?? 0}${at}`;
    case "patch":
      return `patch ${change.hook ?? "an activation"} L${change.layer ?? 0}${at}`;
  }
}

/** What a change acts on, to be looked at; null where it is more than one thing. */
export function selectionOf(change: Change): Selection | null {
  if (typeof change === "string") return null;
  if (Array.isArray(change)) return change.length === 1 ? selectionOf(change[0] ?? "") : null;
  const { kind, layer, head, neuron, token, span } = change;
  const position = change.position ?? undefined;
  if (kind === "knockout" && typeof token === "number") return { kind: "position", position: token };
  if (kind === "span_knockout" && span) return { kind: "span", start: span[0], end: span[1] };
  if (typeof layer !== "number") return null;
  if (kind.startsWith("head_") && typeof head === "number") return { kind: "head", layer, head, position };
  if (kind.startsWith("neuron_") && typeof neuron === "number") {
    return { kind: "neuron", layer, neuron, position };
  }
  if (kind.startsWith("mlp_")) return { kind: "mlp", layer, position };
  return null;
}

/** What can be done to a selection, or why nothing can. */
export type Switchable =
  | { off: Intervention; scale: Intervention | null; set: Intervention | null; where: number | null }
  | { reason: string };

/**
 * How a selection is switched off, scaled and set. `everywhere` false: only at the position it is looked at (`where`).
 * `scale` and `set` await their `value`.
 */
export function switchable(selection: Selection, target: Target | null, everywhere: boolean): Switchable {
  const at = (where: number | undefined) => (everywhere || where === undefined ? {} : { position: where });
  switch (selection.kind) {
    case "position": {
      const { position } = selection;
      if (position === target?.position) {
        return { reason: "The prediction is made at this token, so it cannot be hidden from itself." };
      }
      return { off: { kind: "knockout", token: position }, scale: null, set: null, where: null };
    }
    case "span":
      return {
        off: { kind: "span_knockout", span: [selection.start, selection.end] },
        scale: null,
        set: null,
        where: null,
      };
    case "head": {
      const head = { layer: selection.layer, head: selection.head, ...at(selection.position) };
      return {
        off: { kind: "head_zero", ...head },
        scale: { kind: "head_scale", ...head },
        set: { kind: "head_set", ...head },
        where: selection.position ?? null,
      };
    }
    case "mlp": {
      const mlp = { layer: selection.layer, ...at(selection.position) };
      return {
        off: { kind: "mlp_zero", ...mlp },
        scale: { kind: "mlp_scale", ...mlp },
        set: { kind: "mlp_set", ...mlp },
        where: selection.position ?? null,
      };
    }
    case "neuron": {
      const neuron = { layer: selection.layer, neuron: selection.neuron, ...at(selection.position) };
      return {
        off: { kind: "neuron_set", ...neuron, value: 0 },
        scale: { kind: "neuron_scale", ...neuron },
        set: { kind: "neuron_set", ...neuron },
        where: selection.position ?? null,
      };
    }
    case "edge": {
      const { from, to, edge } = selection;
      if (edge === "attention") {
        const off: Intervention = {
          kind: "edge_knockout",
          layer: to.layer,
          query: to.position,
          key: from.position,
        };
        return { off, scale: null, set: null, where: null };
      }
      if (edge === "residual") {
        return { reason: "The residual stream itself cannot be switched off; switch off what writes to it." };
      }
      const mlp = edge === "mlp_out" ? from : to;
      return switchable({ kind: "mlp", layer: mlp.layer, position: mlp.position }, target, everywhere);
    }
    case "node": {
      const { kind, layer, position } = selection.node;
      if (kind === "embed") return switchable({ kind: "position", position }, target, everywhere);
      if (kind === "mlp") return switchable({ kind: "mlp", layer, position }, target, everywhere);
      return { reason: "A residual node is a sum; switch off what writes to it: an MLP, a head, an edge." };
    }
  }
}
