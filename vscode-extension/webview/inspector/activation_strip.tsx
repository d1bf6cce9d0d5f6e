// A neuron's activation over the whole prompt, as thin bars in the order of its tokens.
// What must not live here: numbers (the table below it has them).
import { usePanel } from "../panel_model";
import { binned } from "./activation_bins";

/** Bars that can still be told apart in a narrow panel. */
const MOST = 120;

export function ActivationStrip(props: { activations: readonly number[]; position: number }) {
  const panel = usePanel();
  const bins = binned(props.activations, MOST);
  const largest = Math.max(...bins.map(({ value }) => Math.abs(value)), 1e-9);
  return (
    <div class="activation-strip" aria-hidden="true" onPointerLeave={() => panel.point(null)}>
      {bins.map(({ position, value }) => (
        <span
          key={position}
          class={position === props.position ? "is-here" : ""}
          onPointerEnter={() => panel.point(position)}
          onClick={() => panel.select({ kind: "position", position })}
        >
          <i
            class={value < 0 ? "opposes" : "supports"}
            style={{
              height: `${(Math.abs(value) / largest) * 50}%`,
              ...(value < 0 ? { top: "50%" } : { bottom: "50%" }),
            }}
          />
        </span>
      ))}
    </div>
  );
}
