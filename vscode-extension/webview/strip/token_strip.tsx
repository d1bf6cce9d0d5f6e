// The prompt as text with heat on its tokens: click one, shift-click a span, walk with the arrows.
// What must not live here: which colour a score has (heat.ts), which tokens of a long prompt are drawn (windowing.ts).
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TableToken, Target } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { Shown } from "../controls/token_text";
import { thousands } from "../display";
import type { Selection } from "../messages";
import { usePanel } from "../panel_model";
import { current } from "../selection_history";
import { SINK_POSITION, type Heat } from "./heat";
import { indexOf, lineAway, scrollTo } from "./token_places";
import { keepOrMove, moved, windowAround } from "./windowing";

export function TokenStrip(props: {
  tokens: readonly TableToken[];
  heat: Heat | null;
  target: Target | null;
  numbers: boolean;
}) {
  const { tokens, heat, target, numbers } = props;
  const panel = usePanel();
  const selection = current(useCell(panel.state).history);
  const chosen = chosenTokens(selection);
  const box = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(() => windowAround(tokens.length, chosen?.start ?? null));
  const drawn = keepOrMove(shown, tokens.length, null);
  const [active, setActive] = useState<number | null>(null);
  const reachable = within(active ?? chosen?.start ?? target?.position ?? 0, drawn.start, drawn.end);
  const foils = useMemo(() => target?.foil?.id, [target]);

  // What is selected elsewhere is brought into the window.
  useEffect(() => {
    if (chosen) setShown((now) => keepOrMove(now, tokens.length, chosen.start));
  }, [chosen?.start, tokens.length]);
  usePointedMark(box, drawn.start, drawn.end);
  // At first the end is in view, where the prediction is made; then whatever is selected.
  const inView = chosen?.start ?? target?.position;
  useEffect(() => {
    if (inView !== undefined) scrollTo(box.current, inView);
  }, [inView, drawn.start]);

  const choose = (index: number, isSpan: boolean) => {
    const anchor = chosen?.start ?? index;
    if (isSpan && anchor !== index) {
      panel.select({ kind: "span", start: Math.min(anchor, index), end: Math.max(anchor, index) + 1 });
    } else {
      panel.select({ kind: "position", position: index });
    }
  };
  const focus = (index: number) => {
    const to = within(index, 0, tokens.length);
    setShown((now) => keepOrMove(now, tokens.length, to));
    setActive(to);
    panel.point(to);
    requestAnimationFrame(() => {
      box.current?.querySelector<HTMLElement>(`[data-token="${to}"]`)?.focus();
    });
  };
  const onKey = (event: KeyboardEvent) => {
    const at = indexOf(event.target) ?? reachable;
    const to = destination(event.key, at, tokens.length, box.current);
    if (to !== null) focus(to);
    else if (event.key === "Enter" || event.key === " ") choose(at, event.shiftKey);
    else return;
    event.preventDefault();
  };

  return (
    <div class="strip-scroll">
      {drawn.start > 0 && (
        <Tiny onClick={() => setShown(moved(drawn, tokens.length, -1))}>
          ⋯ {thousands(drawn.start)} tokens before
        </Tiny>
      )}
      <div
        ref={box}
        class={numbers ? "prompt-text with-numbers" : "prompt-text"}
        role="listbox"
        aria-label="Tokens of the prompt"
        aria-multiselectable="true"
        onKeyDown={onKey}
        onPointerOver={(event) => panel.point(indexOf(event.target))}
        onPointerLeave={() => panel.point(null)}
        onClick={(event) => {
          const index = indexOf(event.target);
          if (index !== null) choose(index, event.shiftKey);
        }}
      >
        {tokens.slice(drawn.start, drawn.end).map(({ index, display, id }) => {
          const one = heat?.tokens[index];
          const isSelected = chosen !== null && index >= chosen.start && index < chosen.end;
          const names = [
            "strip-token",
            index === SINK_POSITION ? "sink" : (one?.name ?? ""),
            index === target?.position ? "is-target" : "",
            foils !== undefined && foils === id ? "is-foil" : "",
            isSelected ? "is-selected" : "",
            display.endsWith("↵") ? "ends-line" : "",
          ];
          return (
            <span
              key={index}
              data-token={index}
              role="option"
              aria-selected={isSelected}
              aria-label={`${display} ${numbers ? (one?.number ?? "") : ""} token ${index}${one?.words ? `: ${one.words}` : ""}`}
              title={`${display}  token ${index}\n${one?.words ?? ""}${index === SINK_POSITION ? "\nfirst token: sets no scale" : ""}`}
              tabIndex={index === reachable ? 0 : -1}
              class={names.filter(Boolean).join(" ")}
            >
              {display.startsWith("·") && !numbers && <wbr />}
              {numbers ? (
                <span>
                  <Shown display={display} />
                </span>
              ) : (
                <Shown display={display} />
              )}
              {one?.figure.disagreement && heat?.kind !== "flow" && <sup>≠</sup>}
              {numbers && <small>{one?.number}</small>}
            </span>
          );
        })}
      </div>
      {drawn.end < tokens.length && (
        <Tiny onClick={() => setShown(moved(drawn, tokens.length, 1))}>
          ⋯ {thousands(tokens.length - drawn.end)} tokens behind
        </Tiny>
      )}
    </div>
  );
}

function within(value: number, start: number, end: number): number {
  return Math.max(start, Math.min(end - 1, value));
}

/** Tokens that a selection stands on. */
function chosenTokens(selection: Selection | null): { start: number; end: number } | null {
  switch (selection?.kind) {
    case "position":
      return { start: selection.position, end: selection.position + 1 };
    case "span":
      return selection;
    case "node":
      return { start: selection.node.position, end: selection.node.position + 1 };
    case "head":
    case "mlp":
    case "neuron": {
      const { position } = selection;
      return position === undefined ? null : { start: position, end: position + 1 };
    }
    default:
      return null;
  }
}

/** Where a key leads to; null where it leads nowhere. */
function destination(key: string, at: number, count: number, box: HTMLElement | null): number | null {
  switch (key) {
    case "ArrowRight":
      return at + 1;
    case "ArrowLeft":
      return at - 1;
    case "ArrowDown":
      return lineAway(box, at, 1);
    case "ArrowUp":
      return lineAway(box, at, -1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** Marks the pointed token without drawing the strip again: the pointer moves faster than a thousand tokens are drawn. */
function usePointedMark(box: { current: HTMLElement | null }, start: number, end: number): void {
  const panel = usePanel();
  useEffect(() => {
    let marked: Element | null = null;
    const mark = () => {
      marked?.classList.remove("is-pointed");
      const index = panel.pointed.value;
      marked = index === null ? null : (box.current?.querySelector(`[data-token="${index}"]`) ?? null);
      marked?.classList.add("is-pointed");
    };
    mark();
    return panel.pointed.watch(mark);
  }, [panel, start, end]);
}
