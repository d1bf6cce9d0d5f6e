// What the colours and shapes of the route graph stand for.
// What must not live here: which head gets which colour (palette.ts).
import { headName } from "../display";
import type { Notes } from "../notes/notes";
import type { HeadSlot } from "./palette";
import { noted } from "./words";

export function RoutesLegend({ heads, notes }: { heads: readonly HeadSlot[]; notes: Notes }) {
  return (
    <p class="limpid-legend limpid-heads">
      {heads.map(({ layer, head, slot }) => (
        <span key={slot}>
          <span class="limpid-key" style={{ background: `var(--limpid-head-${slot + 1})` }} />
          <bdi>{noted(headName(layer, head), notes)}</bdi>
        </span>
      ))}
      <span>
        <span class="limpid-key" style={{ background: "var(--limpid-other)" }} />
        another head
      </span>
      <span>
        <span class="limpid-key" style={{ background: "var(--limpid-several)" }} />
        several heads
      </span>
      <span>
        <span class="limpid-key limpid-square" style={{ background: "var(--limpid-flow)" }} />
        MLP
      </span>
      <span>
        <span class="limpid-key limpid-thin" style={{ background: "var(--limpid-residual)" }} />
        residual stream
      </span>
      <span>width: flow</span>
    </p>
  );
}
