// Writing, changing and removing the note of a component.
// What must not live here: where notes are kept.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../controls/buttons";
import { usePanel } from "../panel_model";
import { LONGEST_NOTE, tidyNote } from "./notes";

export function NoteEditor(props: { component: string; note: string; onDone: () => void }) {
  const panel = usePanel();
  const { component, note, onDone } = props;
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(note);
  useEffect(() => field.current?.select(), []);
  const keep = (kept: string) => {
    panel.note(component, tidyNote(kept));
    onDone();
  };
  return (
    <span class="row note-editor">
      <input
        ref={field}
        class="field"
        type="text"
        aria-label={`Name or note of ${component}`}
        placeholder="What it does, in a few words"
        maxLength={LONGEST_NOTE}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
          // Or the button that has the focus next would take the key as a press of its own.
          event.preventDefault();
          if (event.key === "Enter") keep(text);
          else onDone();
        }}
      />
      <Button onClick={() => keep(text)}>Save note</Button>
      {note !== "" && <Button onClick={() => keep("")}>Remove note</Button>}
    </span>
  );
}
