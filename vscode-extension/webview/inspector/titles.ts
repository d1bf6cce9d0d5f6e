// What a selection is called.
// What must not live here: what is shown of it.
import type { ComponentId, TableToken } from "../../src/generated/protocol";
import { headName, neuronName } from "../display";
import type { Selection } from "../messages";
import { mlpName } from "../notes/notes";

export interface Title {
  /** `head L9H6` */
  name: string;
  /** `at ·France (3)`; empty where it is about no one token. */
  where: string;
}

/** `·France (3)` */
export function tokenAt(tokens: readonly TableToken[], position: number): string {
  return `${tokens[position]?.display ?? "token"} (${position})`;
}

export function titleOf(selection: Selection, tokens: readonly TableToken[]): Title {
  const at = (position: number | undefined) =>
    position === undefined ? "" : `at ${tokenAt(tokens, position)}`;
  switch (selection.kind) {
    case "position":
      return { name: `token ${selection.position}`, where: tokens[selection.position]?.display ?? "" };
    case "span": {
      const { start, end } = selection;
      return {
        name: `tokens ${start}–${end - 1}`,
        where: `${tokens[start]?.display ?? ""} … ${tokens[end - 1]?.display ?? ""}`,
      };
    }
    case "node":
      return { name: nodeName(selection.node), where: at(selection.node.position) };
    case "edge": {
      const { from, to, edge } = selection;
      const fromWhere = from.position === to.position ? "" : `${tokenAt(tokens, from.position)} → `;
      return { name: EDGE_NAMES[edge] + ` L${to.layer}`, where: fromWhere + tokenAt(tokens, to.position) };
    }
    case "head":
      return { name: `head ${headName(selection.layer, selection.head)}`, where: at(selection.position) };
    case "mlp":
      return { name: mlpName(selection.layer), where: at(selection.position) };
    case "neuron":
      return {
        name: `neuron ${neuronName(selection.layer, selection.neuron)}`,
        where: at(selection.position),
      };
  }
}

const EDGE_NAMES = {
  attention: "attention",
  residual: "residual",
  mlp_in: "into the MLP",
  mlp_out: "out of the MLP",
} as const;

function nodeName({ kind, layer }: ComponentId): string {
  switch (kind) {
    case "embed":
      return "embedding";
    case "resid_mid":
      return `residual L${layer}, before the MLP`;
    case "resid_post":
      return `residual L${layer}, after the MLP`;
    default:
      return `${kind} L${layer}`;
  }
}

/** A node of the graph that is itself a component is looked at as that component. */
export function asComponent(selection: Selection): Selection {
  if (selection.kind !== "node") return selection;
  const { kind, layer, position, head, neuron } = selection.node;
  if (kind === "mlp") return { kind: "mlp", layer, position };
  if (kind === "head" && typeof head === "number") return { kind: "head", layer, head, position };
  if (kind === "neuron" && typeof neuron === "number") return { kind: "neuron", layer, neuron, position };
  return selection;
}
