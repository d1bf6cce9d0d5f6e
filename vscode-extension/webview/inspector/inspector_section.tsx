// The inspector: one thing of the run, looked at closely, with a way back to what was looked at before.
// What must not live here: what is said of each kind of thing (the cards).
import type { ComponentChildren } from "preact";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { Icon } from "../controls/icons";
import { Section } from "../controls/section";
import { Shown } from "../controls/token_text";
import type { Selection } from "../messages";
import { NoteText, useNotes } from "../notes/note_text";
import { notable } from "../notes/notes";
import { usePanel, useTokens } from "../panel_model";
import { canGo, current } from "../selection_history";
import { canonical } from "../canonical";
import { EdgeView } from "./edge_card";
import { HeadView } from "./head_card";
import { MlpView } from "./mlp_card";
import { NeuronView } from "./neuron_card";
import { NodeView } from "./node_card";
import { PositionView } from "./position_card";
import { SpanView } from "./span_card";
import { asComponent, titleOf } from "./titles";

export function InspectorSection() {
  const panel = usePanel();
  const { history } = useCell(panel.state);
  const tokens = useTokens();
  const found = current(history);
  const selection = found && isWithin(found, tokens.length) ? asComponent(found) : null;
  const note = useNotes()[notable(selection) ?? ""];
  const title = selection ? titleOf(selection, tokens) : null;
  return (
    <Section
      name="inspector"
      title="Inspector"
      isOpenAtFirst
      note={
        title && (
          <span class="inspected">
            <b>{title.name}</b>{" "}
            {title.where && (
              <code class="token">
                <Shown display={title.where} />
              </code>
            )}{" "}
            <NoteText text={note} />
          </span>
        )
      }
      actions={
        <>
          <Tiny
            label="Back to what was looked at before"
            disabled={!canGo(history, -1)}
            onClick={() => panel.go(-1)}
          >
            <Icon name="back" />
          </Tiny>
          <Tiny label="Forward again" disabled={!canGo(history, 1)} onClick={() => panel.go(1)}>
            <Icon name="forward" />
          </Tiny>
          <Tiny label="Look at nothing" disabled={!selection} onClick={() => panel.deselect()}>
            <Icon name="close" />
          </Tiny>
        </>
      }
    >
      {() =>
        selection ? (
          <div key={canonical(selection)} class="card">
            <CardOf selection={selection} />
          </div>
        ) : (
          <p class="dim">
            Click a token, a node, an edge, a head or a neuron to see what it reads, what it writes, and what
            happens without it.
          </p>
        )
      }
    </Section>
  );
}

function CardOf({ selection }: { selection: Selection }): ComponentChildren {
  switch (selection.kind) {
    case "position":
      return <PositionView position={selection.position} />;
    case "span":
      return <SpanView start={selection.start} end={selection.end} />;
    case "node":
      return <NodeView selection={selection} />;
    case "edge":
      return <EdgeView selection={selection} />;
    case "head":
      return <HeadView selection={selection} />;
    case "mlp":
      return <MlpView selection={selection} />;
    case "neuron":
      return <NeuronView selection={selection} />;
  }
}

/** A selection kept from a longer prompt may name tokens that this one lacks. */
function isWithin(selection: Selection, count: number): boolean {
  if (count === 0) return false;
  switch (selection.kind) {
    case "position":
      return selection.position < count;
    case "span":
      return selection.end <= count;
    case "node":
      return selection.node.position < count;
    case "edge":
      return selection.to.position < count;
    default:
      return (selection.position ?? 0) < count;
  }
}
