// A line of figures with their names.
// What must not live here: which figures.
import type { ComponentChildren } from "preact";

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
