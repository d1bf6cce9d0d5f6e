// The sign case of a neuron in words: what its gate and its up projection make of each other.
// What must not live here: anything drawn.
import type { NeuronCard } from "../../src/generated/protocol";
import { nats } from "../display";

/** One sentence or two: what lets it fire, and which way round it writes. */
export function gluWords(
  card: Pick<NeuronCard, "pre" | "pre_linear"> & { row: { activation: number } },
): string {
  const { activation } = card.row;
  const gate = card.pre;
  const up = card.pre_linear ?? null;
  if (up === null) return plainWords(gate, activation);
  if (activation === 0) return `gate ${nats(gate)}, up ${nats(up)}: it is off here and writes nothing.`;
  const product = `gate ${nats(gate)} × up ${nats(up)} → ${nats(activation)}`;
  if (gate >= 0 && up >= 0) {
    return `${product}. The gate is open and up is positive: it writes its direction as it is.`;
  }
  if (gate >= 0) {
    return `${product}. The gate is open but up is negative: it writes its direction reversed, so what it promotes and suppresses is swapped.`;
  }
  if (up >= 0) {
    return `${product}. The gate is negative, which lets a little through with its sign turned; up is positive: it writes its direction reversed, faintly.`;
  }
  return `${product}. Gate and up are both negative and their signs cancel: it writes its direction as it is, faintly.`;
}

/** An MLP without a gate: the activation function alone decides. */
function plainWords(pre: number, activation: number): string {
  const product = `pre-activation ${nats(pre)} → ${nats(activation)}`;
  if (activation === 0) return `${product}: it is off here and writes nothing.`;
  if (activation > 0) return `${product}. It writes its direction as it is.`;
  return `${product}. A negative input lets a little through with its sign kept: it writes its direction reversed, faintly.`;
}
