// Numbers with what they are worth: an estimate is hollow and has a `~`, a measured effect is solid, `≠` where the two disagree.
// What must not live here: which is which (measured.ts), how numbers are written (display.ts).
import { signed } from "../display";
import type { Figure } from "../measured";

/** What a figure says in a sentence. */
export function figureWords(figure: Figure): string {
  const { estimate, effect, disagreement, error } = figure;
  if (error !== null) return `could not be measured: ${error}`;
  if (effect === null)
    return estimate === null ? "not measured" : `estimated ~${signed(estimate)}, not measured`;
  if (estimate === null) return `measured ${signed(effect)}`;
  const apart =
    disagreement === "sign"
      ? "; the two differ in sign"
      : disagreement === "rank"
        ? "; the estimate ranks it wrongly"
        : "";
  return `measured ${signed(effect)}, estimated ~${signed(estimate)}${apart}`;
}

/** The one number that stands for a figure: the estimate until the measured one takes its place. */
export function FigureNumber({ figure }: { figure: Figure }) {
  const { estimate, effect, disagreement, error } = figure;
  const words = figureWords(figure);
  if (error !== null) {
    return (
      <span class="figure failed" title={words}>
        ⚠
      </span>
    );
  }
  if (effect !== null) {
    return (
      <span class="figure solid" title={words}>
        {signed(effect)}
        {disagreement && (
          <span class="differs" aria-label="disagrees with the estimate" role="img">
            ≠
          </span>
        )}
      </span>
    );
  }
  return (
    <span class="figure hollow" title={words}>
      {estimate === null ? "–" : `~${signed(estimate)}`}
    </span>
  );
}

/** A signed bar around a middle line: hollow for the estimate, solid for what was measured. */
export function FigureBar({ figure, largest }: { figure: Figure; largest: number }) {
  return (
    <span class="signed-bar" aria-hidden="true">
      {figure.estimate !== null && <SignedBar value={figure.estimate} largest={largest} look="hollow" />}
      {figure.effect !== null && <SignedBar value={figure.effect} largest={largest} look="solid" />}
    </span>
  );
}

function SignedBar({ value, largest, look }: { value: number; largest: number; look: string }) {
  const width = largest > 0 ? Math.min(1, Math.abs(value) / largest) * 50 : 0;
  const side = value < 0 ? { right: "50%" } : { left: "50%" };
  return (
    <span class={`${look} ${value < 0 ? "opposes" : "supports"}`} style={{ ...side, width: `${width}%` }} />
  );
}

/** A bar from nothing to the whole. */
export function ShareBar({ share, tone }: { share: number; tone?: "flow" | "plain" }) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <span class={`share-bar ${tone ?? "flow"}`} aria-hidden="true">
      <span style={{ width }} />
    </span>
  );
}
