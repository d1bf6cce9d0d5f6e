// A note where its component is named.
// What must not live here: writing one (note_editor.tsx).
import { useCell } from "../cell";
import { usePanel } from "../panel_model";
import type { Notes } from "./notes";

/** Notes of the model of the run shown. */
export function useNotes(): Notes {
  return useCell(usePanel().runs).notes;
}

/** The note behind a component's name, shielded from the text around it; nothing where there is none. */
export function NoteText({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <bdi class="note-text" title={text}>
      {text}
    </bdi>
  );
}
