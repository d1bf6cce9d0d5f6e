// The legend of a colour scale: its seven steps, what their ends stand for, and the hatched sink.
// What must not live here: which score gets which step (scales.ts).
const STEP_NUMBERS = [1, 2, 3, 4, 5, 6, 7];

export interface LegendProps {
  scale: "diverging" | "sequential";
  /** The largest shown score, as it is printed elsewhere: `+1.24`, `31 %`. */
  largest: string;
  /** Said of the darkest step, where it is not the largest shown score. */
  darkest?: string;
  /** What is coloured: `attribution, nats`, `flow`. */
  what: string;
  /** Whether a hatched sink is on view. */
  sink?: boolean;
  /** Whether the colours have no text on them, and are as strong as the hue. */
  solid?: boolean;
}

export function Legend({ scale, largest, what, darkest, sink, solid }: LegendProps) {
  const swatch = (name: string) => <span key={name} class={`limpid-swatch ${name}`} aria-hidden="true" />;
  return (
    <p class={`limpid-legend${solid === true ? " solid" : ""}`}>
      <span>{what}</span>
      {scale === "diverging" ? (
        <>
          <span>opposes</span>
          <span class="limpid-swatches">
            {[...STEP_NUMBERS].reverse().map((step) => swatch(`oppose${step}`))}
            {STEP_NUMBERS.map((step) => swatch(`support${step}`))}
          </span>
          <span>supports</span>
        </>
      ) : (
        <span class="limpid-swatches">{STEP_NUMBERS.map((step) => swatch(`flow${step}`))}</span>
      )}
      <span>darkest = {darkest ?? `${largest}, the largest shown`}</span>
      {sink === true && <span>{swatch("sink")} first token, apart: it does not set the scale</span>}
    </p>
  );
}
