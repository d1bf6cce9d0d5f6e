// The slider of the share of flow that is shown: it only looks up what each step shows and says it.
// What must not live here: drawing; moving it renders nothing but its own words.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { RouteStep } from "../../src/generated/protocol";
import { flow, thousands } from "../display";

export interface FlowSliderProps {
  steps: readonly RouteStep[];
  step: number;
  /** While it is dragged, for each step passed. */
  onMove: (step: number) => void;
  /** When it is let go. */
  onRest: (step: number) => void;
}

export function FlowSlider({ steps, step, onMove, onRest }: FlowSliderProps) {
  const input = useRef<HTMLInputElement>(null);
  const said = useRef<HTMLOutputElement>(null);
  const say = (at: number) => {
    const words = stepSaid(steps[at]);
    if (said.current) said.current.textContent = words;
    input.current?.setAttribute("aria-valuetext", words);
  };
  // The words are written past Preact while the slider moves, so they are written so at rest too.
  useLayoutEffect(() => {
    if (input.current) input.current.value = String(step);
    say(step);
  }, [steps, step]);
  return (
    <label class="limpid-slider">
      <input
        ref={input}
        type="range"
        aria-label="Flow shown"
        min={0}
        max={Math.max(0, steps.length - 1)}
        step={1}
        onInput={(event) => {
          const at = Number(event.currentTarget.value);
          say(at);
          onMove(at);
        }}
        onChange={(event) => onRest(Number(event.currentTarget.value))}
      />
      <output ref={said} />
    </label>
  );
}

/** `82 % of flow shown · 312 edges`. */
export function stepSaid(step: RouteStep | undefined): string {
  return step ? `${flow(step.shown)} of flow shown · ${thousands(step.edges)} edges` : "nothing to show";
}
