// What stands there when there is no run, or none that is true any more: empty, busy, stale.
// What must not live here: problems (controls/waiting.tsx).
import { Button } from "./controls/buttons";
import "./controls/elements";
import { usePanel } from "./panel_model";
import { probability } from "./display";

/** Nothing was inspected yet. */
export function Empty() {
  const panel = usePanel();
  if (!panel.home.can.target) {
    return (
      <div class="empty">
        <p>This report holds no inspection.</p>
        <p class="dim">Limpid writes one with: limpid inspect --format html</p>
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>Nothing inspected yet</h2>
      <p>Put the cursor in a prompt and run Limpid: Inspect.</p>
      <p class="row">
        <Button main onClick={() => panel.command("inspect")}>
          Inspect
        </Button>
        <Button onClick={() => panel.command("openSample")}>Open a sample</Button>
      </p>
      <p class="dim">
        The panel then shows what the next token rests on: which words, which heads, which neurons – and what
        happens without them.
      </p>
    </div>
  );
}

/** Something takes its time: what, and how far it is. */
export function Busy({ message, share }: { message: string; share: number | null }) {
  return (
    <div class="busy" role="status" aria-live="polite">
      <p>
        {message}
        {share !== null && <span class="number"> {probability(share)}</span>}
      </p>
      <vscode-progress-bar
        aria-label={message}
        indeterminate={share === null}
        value={(share ?? 0) * 100}
        max={100}
      />
    </div>
  );
}

/** The text changed since: all below is about what it was. */
export function StaleBanner() {
  const panel = usePanel();
  return (
    <div class="stale" role="status">
      <span>The text changed; this is about what it was.</span>
      <Button main onClick={() => panel.command("refresh")}>
        Refresh
      </Button>
    </div>
  );
}
