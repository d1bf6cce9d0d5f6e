// A line of figures with their names.
// What must not live here: which figures.
import type { ComponentChildren } from "preact";
import { signed } from "../display";

/** A figure: name, value, what it is. */
export type Fact = [string, string, string];

/** What a head or neuron adds straight to the objective; nothing where it was not worked out. */
export function directFacts(attribution: number | null | undefined): Fact[] {
  if (typeof attribution !== "number") return [];
  return [["writes directly", signed(attribution), "What it adds straight to the objective, nats"]];
}

export function Facts({ facts }: { facts: readonly (readonly [string, ComponentChildren, string?])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value, hint]) => (
        <div key={name} title={hint}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
