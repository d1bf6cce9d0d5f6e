// Short lists of tokens: likely ones, promoted and suppressed ones, ranks gained and lost.
// What must not live here: what is asked for.
import type { ComponentChildren } from "preact";
import type { Prediction, RankChange, TokenValue } from "../../src/generated/protocol";
import { ShareBar } from "../controls/figures";
import { TokenText } from "../controls/token_text";
import { nats, probability, rank, signed } from "../display";

/** Lists side by side, as many as fit. */
export function Lists({ children }: { children: ComponentChildren }) {
  return <div class="lists">{children}</div>;
}

function List(props: { title: string; hint?: string; isEmpty: boolean; children: ComponentChildren }) {
  return (
    <div class="list">
      <h4 title={props.hint}>{props.title}</h4>
      {props.isEmpty ? <p class="dim">none</p> : <ul>{props.children}</ul>}
    </div>
  );
}

export function PredictionList(props: {
  title: string;
  hint?: string;
  rows: readonly Prediction[];
  most?: number;
}) {
  return (
    <List title={props.title} hint={props.hint} isEmpty={props.rows.length === 0}>
      {props.rows.slice(0, props.most ?? 10).map(({ id, text, prob, logit }) => (
        <li key={id} title={`logit ${nats(logit)}`}>
          <TokenText text={text} />
          <ShareBar share={prob} />
          <span class="number">{probability(prob)}</span>
        </li>
      ))}
    </List>
  );
}

export function ValueList(props: {
  title: string;
  hint?: string;
  rows: readonly TokenValue[];
  most?: number;
}) {
  const largest = Math.max(...props.rows.map(({ value }) => Math.abs(value)), 1e-9);
  return (
    <List title={props.title} hint={props.hint} isEmpty={props.rows.length === 0}>
      {props.rows.slice(0, props.most ?? 10).map(({ id, text, value }) => (
        <li key={id}>
          <TokenText text={text} />
          <ShareBar share={Math.abs(value) / largest} tone="plain" />
          <span class="number">{signed(value)}</span>
        </li>
      ))}
    </List>
  );
}

/** What a component raises and lowers, in logits. */
export function Promotes(props: {
  promotes: readonly TokenValue[];
  suppresses: readonly TokenValue[];
  most?: number;
}) {
  return (
    <Lists>
      <ValueList
        title="Promotes"
        hint="Tokens whose logits it raises most"
        rows={props.promotes}
        most={props.most}
      />
      <ValueList
        title="Suppresses"
        hint="Tokens whose logits it lowers most"
        rows={props.suppresses}
        most={props.most}
      />
    </Lists>
  );
}

export function RankList(props: { title: string; hint?: string; rows: readonly RankChange[] }) {
  return (
    <List title={props.title} hint={props.hint} isEmpty={props.rows.length === 0}>
      {props.rows.map(({ id, text, before, after }) => (
        <li key={id}>
          <TokenText text={text} />
          <span class="number ranks">
            {rank(before)} → {rank(after)}
          </span>
        </li>
      ))}
    </List>
  );
}
