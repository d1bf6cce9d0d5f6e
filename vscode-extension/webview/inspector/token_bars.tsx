// Tokens of the prompt with one or two bars each, strongest first; the rest folded into one line.
// What must not live here: what the bars are of.
import { useState } from "preact/hooks";
import { Tiny } from "../controls/buttons";
import { ShareBar } from "../controls/figures";
import { Shown } from "../controls/token_text";
import { usePanel, useTokens } from "../panel_model";

export interface TokenBar {
  position: number;
  /** For each column: its share of the longest bar, and its number. */
  bars: { share: number; number: string; tone?: "flow" | "plain" }[];
}

export function TokenBars(props: { titles: readonly string[]; rows: readonly TokenBar[]; most?: number }) {
  const panel = usePanel();
  const tokens = useTokens();
  const [showsAll, setShowsAll] = useState(false);
  const most = props.most ?? 8;
  const shown = showsAll ? props.rows.slice(0, 200) : props.rows.slice(0, most);
  return (
    <>
      <table class="table token-bars">
        <thead>
          <tr>
            <th scope="col">token</th>
            {props.titles.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onPointerLeave={() => panel.point(null)}>
          {shown.map(({ position, bars }) => (
            <tr key={position} onPointerEnter={() => panel.point(position)}>
              <th scope="row">
                <button
                  type="button"
                  class="link"
                  title={`token ${position}`}
                  onClick={() => panel.select({ kind: "position", position })}
                >
                  <code class="token">
                    <Shown display={tokens[position]?.display ?? ""} />
                  </code>
                  <span class="dim index">{position}</span>
                </button>
              </th>
              {bars.map(({ share, number, tone }, at) => (
                <td key={at}>
                  <span class="bar-cell">
                    <ShareBar share={share} tone={tone} />
                    <span class="number">{number}</span>
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {props.rows.length > most && (
        <Tiny onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "show fewer" : `⋯ ${props.rows.length - most} more`}
        </Tiny>
      )}
    </>
  );
}
