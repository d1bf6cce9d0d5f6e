// What can be done to the component looked at: measure it, switch it off, set it, copy what is said of it, note what it is.
// What must not live here: what is said of it (the cards), how it is measured.
import { useRef, useState } from "preact/hooks";
import type { Change, Intervention } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Button, Select, Tiny } from "../controls/buttons";
import { FigureBar, FigureNumber, figureWords } from "../controls/figures";
import { changeKey, describeChange, switchable } from "../interventions";
import { figureOf, type Figure } from "../measured";
import { code, paragraphs } from "../markdown";
import type { Selection } from "../messages";
import { NoteEditor } from "../notes/note_editor";
import { useNotes } from "../notes/note_text";
import { notable } from "../notes/notes";
import { usePanel, useTokens } from "../panel_model";
import { useRequestTarget } from "../questions";

export interface ActionsProps {
  selection: Selection;
  /** The cheap score of switching it off everywhere, and at its position alone; left out: none is known. */
  estimate?: number | null;
  estimateHere?: number | null;
  /** What the answer itself knows as measured, of switching it off everywhere. */
  known?: { effect?: number | null; disagreement?: "sign" | "rank" | null };
  /** What is copied. */
  markdown?: () => string;
}

export function Actions({ selection, estimate, estimateHere, known, markdown }: ActionsProps) {
  const panel = usePanel();
  const tokens = useTokens();
  const target = useRequestTarget();
  const measured = useCell(panel.measuring.measured);
  const jobs = useCell(panel.measuring.jobs);
  const [isEverywhere, setIsEverywhere] = useState(true);
  const [isSetting, setIsSetting] = useState(false);
  const [isNoting, setIsNoting] = useState(false);
  const noteButton = useRef<HTMLSpanElement>(null);
  const notes = useNotes();
  const component = notable(selection);
  const note = notes[component ?? ""] ?? "";
  const can = switchable(selection, target, isEverywhere);
  const copy = markdown && (
    <Tiny
      label="Copy as Markdown"
      onClick={() => panel.command("copyMarkdown", { text: withNote(markdown(), note) })}
    >
      copy
    </Tiny>
  );
  if ("reason" in can) {
    return (
      <div class="component-actions">
        <span class="dim">{can.reason}</span>
        {copy}
      </div>
    );
  }
  const score = isEverywhere ? estimate : estimateHere;
  const figure = figureOf(measured, can.off, score, isEverywhere ? known : undefined);
  const title = describeChange(can.off, tokens);
  const isBusy = jobs.some(({ params }) =>
    params.interventions?.some((change) => changeKey(change) === changeKey(can.off)),
  );
  const largest = Math.max(Math.abs(figure.estimate ?? 0), Math.abs(figure.effect ?? 0), 0.05);
  const measure = () => panel.measuring.measure(title, { interventions: [can.off] }, 1);
  return (
    <div class="component-actions">
      <span class="verdict" aria-live="polite" title={figureWords(figure)}>
        <span class="dim">{nameOf(figure)}</span> <FigureNumber figure={figure} />{" "}
        <span class="dim">nats</span>
        <FigureBar figure={figure} largest={largest} />
      </span>
      <span class="row">
        {can.where !== null && (
          <Select
            label="Where it is switched"
            value={isEverywhere ? "everywhere" : "here"}
            options={[
              { value: "everywhere", title: "every token" },
              { value: "here", title: `token ${can.where} only` },
            ]}
            onChange={(value) => setIsEverywhere(value === "everywhere")}
          />
        )}
        {panel.home.can.measure && (
          <>
            <Button onClick={measure} disabled={isBusy} title="Run the model without it">
              {isBusy ? "Measuring …" : figure.effect === null ? "Measure" : "Measured"}
            </Button>
            <Tiny label={`switch off: ${title}`} onClick={() => panel.addSwitch(can.off)}>
              switch off
            </Tiny>
            {(can.scale ?? can.set) && (
              <Tiny
                label="set to…: scale it, or set it to a value"
                pressed={isSetting}
                onClick={() => setIsSetting(!isSetting)}
              >
                set to…
              </Tiny>
            )}
          </>
        )}
        {copy}
        {component && panel.home.can.note && (
          <span ref={noteButton}>
            <Tiny
              label={`${note === "" ? "note" : "edit note"}: what ${component} does`}
              pressed={isNoting}
              onClick={() => setIsNoting(!isNoting)}
            >
              {note === "" ? "note" : "edit note"}
            </Tiny>
          </span>
        )}
      </span>
      {component && isNoting && (
        <NoteEditor
          component={component}
          note={note}
          onDone={() => {
            setIsNoting(false);
            noteButton.current?.querySelector("button")?.focus();
          }}
        />
      )}
      {isSetting && <SetTo scale={can.scale} set={can.set} />}
    </div>
  );
}

function withNote(markdown: string, note: string): string {
  return note === "" ? markdown : paragraphs([markdown.trimEnd(), `note: ${code(note)}`]);
}

/** What the number is called: an estimate is never called an effect. */
function nameOf({ estimate, effect }: Figure): string {
  return effect === null && estimate !== null ? "attribution" : "effect";
}

/** Scaling by a factor or setting to a value, as a switch or measured at once. */
function SetTo({ scale, set }: { scale: Intervention | null; set: Intervention | null }) {
  const panel = usePanel();
  const tokens = useTokens();
  const [way, setWay] = useState<"scale" | "set">(scale ? "scale" : "set");
  const [text, setText] = useState("0.5");
  const value = Number(text);
  const base = way === "scale" ? scale : set;
  const change: Change | null =
    base && text.trim() !== "" && Number.isFinite(value) ? { ...base, value } : null;
  return (
    <span class="row set-to">
      <Select
        label="How it is changed"
        value={way}
        options={[
          { value: "scale", title: "scale by ×" },
          { value: "set", title: "set to =" },
        ]}
        onChange={(chosen) => setWay(chosen === "scale" ? "scale" : "set")}
      />
      <vscode-textfield
        label="Factor or value"
        aria-label="Factor or value"
        type="number"
        step={0.1}
        value={text}
        oninput={(event) => setText((event.target as HTMLInputElement).value)}
      />
      <Button disabled={!change} onClick={() => change && panel.addSwitch(change)}>
        Add switch
      </Button>
      <Button
        disabled={!change}
        onClick={() =>
          change && panel.measuring.measure(describeChange(change, tokens), { interventions: [change] }, 1)
        }
      >
        Measure
      </Button>
    </span>
  );
}
