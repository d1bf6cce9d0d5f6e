// Notes on heads, neurons and MLPs, kept on this machine for each model, whatever prompt and folder they were written at.
// What must not live here: showing and writing them, which is the panel's.
import type * as vscode from "vscode";
import { isComponentName, readNotes, tidyNote, type Notes } from "../webview/notes/notes";

const KEY = "limpid.notes";

export class KeptNotes {
  constructor(private readonly state: vscode.Memento) {}

  /** Notes of a model, by its name. */
  of(model: string): Notes {
    return readNotes(this.state.get(`${KEY} ${model}`));
  }

  /** Keeps a note; an empty one takes it away. */
  async keep(model: string, component: string, text: string): Promise<void> {
    if (!isComponentName(component)) return;
    const note = tidyNote(text);
    // Read anew: another window may have written meanwhile.
    const rows = Object.entries(this.of(model)).filter(([name]) => name !== component);
    if (note !== "") rows.push([component, note]);
    await this.state.update(`${KEY} ${model}`, rows.length > 0 ? Object.fromEntries(rows) : undefined);
  }
}
