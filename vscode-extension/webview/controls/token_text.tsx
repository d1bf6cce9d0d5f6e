// A token's text: escaped, told apart from prose, shielded from the text around it.
// What must not live here: where tokens come from.
import { token } from "../token_display";

/** A display that is escaped already. Spaces that it shows as `·` are drawn fainter than a real dot would be. */
export function Shown({ display }: { display: string }) {
  const [, before = "", middle = "", after = ""] = /^(·*)(.*?)(·*)$/su.exec(display) ?? [];
  return (
    <>
      {before && <i class="blank">{before}</i>}
      {middle}
      {after && <i class="blank">{after}</i>}
    </>
  );
}

/** A token of the prompt, by its display. */
export function TokenCode({ display }: { display: string }) {
  return (
    <code class="token">
      <Shown display={display} />
    </code>
  );
}

/** A token of the vocabulary, by its text. */
export function TokenText({ text }: { text: string }) {
  return <TokenCode display={token(text)} />;
}
