// An attention head: where it looks, what it brings from there, what it writes, what kind of head it seems to be.
// What must not live here: the maps' drawing (maps/).
import { useState } from "preact/hooks";
import type { HeadCard, HeadLabel } from "../../src/generated/protocol";
import { Choice, Tiny } from "../controls/buttons";
import { Waiting } from "../controls/waiting";
import { flow, headName, nats, signed } from "../display";
import { AttentionMap } from "../maps/attention_map";
import { code, paragraphs, table } from "../markdown";
import type { Selection } from "../messages";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import { Actions } from "./actions";
import { directFacts, Facts, type Fact } from "./facts";
import { TokenBars, type TokenBar } from "./token_bars";
import { Promotes } from "./token_lists";
import { token } from "../token_display";

type HeadSelection = Extract<Selection, { kind: "head" }>;

const LABELS: Record<HeadLabel, string> = {
  "previous-token": "looks at the token before",
  induction: "looks behind an earlier copy of this token",
  "duplicate-token": "looks at an earlier copy of this token",
  "first-token-sink": "rests on the first token",
};

export function HeadView({ selection }: { selection: HeadSelection }) {
  const tokens = useTokens();
  const { layer, head, position } = selection;
  const answer = useAnswer("limpid/head", { head, layer, maps: false, position: position ?? null });
  return (
    <Waiting answer={answer} what="the head">
      {({ view }) => (
        <>
          <p class="row">
            {view.labels.length === 0 && <span class="dim">no clear type on this prompt</span>}
            {view.labels.map((label) => (
              <span key={label} class="badge" title={LABELS[label]}>
                {label}
              </span>
            ))}
          </p>
          <Facts facts={headFacts(view)} />
          <Actions
            selection={{ ...selection, position: view.position }}
            estimate={view.row.attribution}
            known={view.row}
            markdown={() => markdownOf(view, (at) => tokens[at]?.display ?? "")}
          />
          <h3>
            From <code class="token">{tokens[view.position]?.display}</code> it looks at
          </h3>
          <TokenBars titles={["attention", "brings"]} rows={attentionBars(view)} />
          <Promotes promotes={view.row.promotes} suppresses={view.row.suppresses} most={6} />
          <Maps selection={selection} />
        </>
      )}
    </Waiting>
  );
}

function headFacts({ row }: HeadCard): Fact[] {
  const facts: Fact[] = [["flow", flow(row.flow), "Share of the prediction that came through it"]];
  if (typeof row.attribution_at_target === "number") {
    facts.push([
      "at the target",
      `~${signed(row.attribution_at_target)}`,
      "Attribution at the target's token alone, nats",
    ]);
  }
  return [...facts, ...directFacts(row.logit_attribution)];
}

/** Tokens by attention weight; below a thousandth there is nothing to see. */
function attentionBars({ pattern, contribution }: HeadCard): TokenBar[] {
  const most = Math.max(...contribution, 1e-9);
  return pattern
    .map((weight, position) => ({ weight, position, brought: contribution[position] ?? 0 }))
    .filter(({ weight, brought }) => weight >= 0.001 || brought >= 0.001)
    .sort((a, b) => b.weight - a.weight)
    .map(({ weight, position, brought }) => ({
      position,
      bars: [
        { share: weight, number: flow(weight) },
        { share: brought / most, number: flow(brought), tone: "plain" },
      ],
    }));
}

/** All rows at once, on demand: they are large. */
function Maps({ selection }: { selection: HeadSelection }) {
  const panel = usePanel();
  const tokens = useTokens();
  const [isShown, setIsShown] = useState(false);
  const [kind, setKind] = useState<"pattern" | "contribution">("pattern");
  const { layer, head, position } = selection;
  const answer = useAnswer(
    "limpid/head",
    isShown ? { head, layer, maps: true, position: position ?? null } : null,
  );
  if (!isShown) return <Tiny onClick={() => setIsShown(true)}>show the full maps</Tiny>;
  return (
    <div class="maps">
      <span class="row">
        <Choice
          label={`Map of ${headName(layer, head)}`}
          value={kind}
          options={[
            { value: "pattern", title: "attention", hint: "Attention weights, token by token" },
            { value: "contribution", title: "brings", hint: "What it brought from each token" },
          ]}
          onChange={setKind}
        />
        <Tiny onClick={() => setIsShown(false)}>hide</Tiny>
      </span>
      <Waiting answer={answer} what="the maps">
        {({ view }) => {
          const map = kind === "pattern" ? view.pattern_map : view.contribution_map;
          return map ? (
            <AttentionMap
              map={map}
              tokens={tokens}
              kind={kind}
              position={view.position}
              onSelect={(chosen) => panel.select(chosen)}
            />
          ) : (
            <p class="dim">There is no map.</p>
          );
        }}
      </Waiting>
    </div>
  );
}

function markdownOf(card: HeadCard, display: (position: number) => string): string {
  const { row } = card;
  const words = (values: typeof row.promotes) =>
    values
      .slice(0, 5)
      .map(({ text }) => code(token(text)))
      .join(" ");
  return paragraphs([
    `**head ${headName(row.layer, row.head)}** ${card.labels.join(", ")}`,
    `flow ${flow(row.flow)}` +
      (typeof row.attribution === "number" ? `, attribution ~${signed(row.attribution)} nats` : "") +
      (typeof row.effect === "number" ? `, effect ${signed(row.effect)} nats` : "") +
      (typeof row.logit_attribution === "number" ? `, writes ${nats(row.logit_attribution)} directly` : ""),
    table(
      [`from ${code(display(card.position))} it looks at`, "attention", "brings"],
      attentionBars(card)
        .slice(0, 8)
        .map(({ position, bars }) => [code(display(position)), ...bars.map(({ number }) => number)]),
    ),
    `promotes ${words(row.promotes)}; suppresses ${words(row.suppresses)}`,
  ]);
}
