// The legend of the heat on the prompt, in one line: what the colours are of, what the strongest stands for, what is hatched.
// What must not live here: which score gets which step.
import type { Heat } from "./heat";

const STEPS = [1, 2, 3, 4, 5, 6, 7];

export function StripLegend({ heat }: { heat: Heat }) {
  const swatches = (name: string, steps: readonly number[]) =>
    steps.map((step) => <span key={step} class={`limpid-swatch ${name}${step}`} />);
  const isShare = heat.kind === "flow";
  const sign = heat.kind === "attribution" ? "~" : "";
  const largest = heat.largest.replace(/^[+-]/, "");
  return (
    <p
      class="strip-legend"
      title={`Each step is a seventh of ${largest}, the largest ${heat.kind} shown without the first token (${heat.method})`}
    >
      {!isShare && <span>opposes</span>}
      <span class="limpid-swatches" aria-hidden="true">
        {isShare ? (
          swatches("flow", STEPS)
        ) : (
          <>
            {swatches("oppose", [...STEPS].reverse())}
            {swatches("support", STEPS)}
          </>
        )}
      </span>
      {!isShare && <span>supports</span>}
      <span class="number">
        {sign}
        {largest}
        {isShare ? "" : ` ${heat.unit}`}
      </span>
      <span
        class="sink-key"
        title="Nearly every head reads the first token whatever it says; it sets no scale"
      >
        <span class="limpid-swatch sink" aria-hidden="true" /> first token, apart
      </span>
    </p>
  );
}
