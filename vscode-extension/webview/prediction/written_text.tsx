// Tokens that were written, as running text: each with its probability one hover away, and the first that differs marked.
// What must not live here: how they came (continuation.ts).
import type { ContinuedToken, StoppedBy } from "../../src/generated/protocol";
import { Shown } from "../controls/token_text";
import { probability, rank } from "../display";
import { escapeToken } from "../token_display";
import type { Side } from "./continuation";

const ENDS: Record<StoppedBy, string> = {
  eos: "the model ended it",
  stop: "ended at a stop text",
  length: "cut at the number of tokens asked for",
  window: "the model's window is full",
};

export function WrittenText({ side, differsAt }: { side: Side; differsAt?: number | null }) {
  return (
    <span class="written" title={side.stoppedBy ? ENDS[side.stoppedBy] : undefined}>
      {side.tokens.map((token, at) => (
        <Written key={at} token={token} differs={at === differsAt} />
      ))}
      {side.stoppedBy === "length" && <span class="dim"> …</span>}
    </span>
  );
}

function Written({ token, differs }: { token: ContinuedToken; differs: boolean }) {
  const display = escapeToken(token.text);
  const facts = `${display}  ${probability(token.prob)}, ${rank(token.rank)}`;
  const names = `written-token ${display.endsWith("↵") ? "ends-line" : ""} ${differs ? "first-difference" : ""}`;
  return (
    <span class={names} title={differs ? `${facts}\nthe first token that differs` : facts}>
      {display.startsWith("·") && <wbr />}
      <Shown display={display} />
    </span>
  );
}
