// Notes on heads, neurons and MLPs, kept on this machine for each model, whatever prompt and folder they were written at: in a file,
// because VS Code writes its own state late and a window that is reloaded meanwhile would lose them.
// What must not live here: showing and writing them, which is the panel's.
import * as fs from "node:fs";
import * as path from "node:path";
import { isComponentName, readNotes, tidyNote, type Notes } from "../webview/notes/notes";
import { problem } from "./problems";

export class KeptNotes {
  private readonly file: string;

  /** Notes in a folder, which need not exist yet. */
  constructor(folder: string) {
    this.file = path.join(folder, "notes.json");
  }

  /** Notes of a model, by its name; none where the file cannot be read. */
  of(model: string): Notes {
    try {
      return readNotes(this.read()[model]);
    } catch {
      return readNotes(undefined);
    }
  }

  /** Keeps a note; an empty one takes it away. What cannot be read is not written over. */
  keep(model: string, component: string, text: string): void {
    if (!isComponentName(component)) return;
    const note = tidyNote(text);
    try {
      // Read anew: another window may have written meanwhile.
      const all = this.read();
      const rows = Object.entries(readNotes(all[model])).filter(([name]) => name !== component);
      if (note !== "") rows.push([component, note]);
      const kept = Object.fromEntries(Object.entries(all).filter(([name]) => name !== model));
      if (rows.length > 0) kept[model] = Object.fromEntries(rows);
      fs.mkdirSync(path.dirname(this.file), { recursive: true });
      const beside = `${this.file}.${process.pid}`;
      fs.writeFileSync(beside, JSON.stringify(kept, null, 1));
      fs.renameSync(beside, this.file);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw problem("notes", `The note is not kept: ${this.file}: ${why}`);
    }
  }

  private read(): Record<string, unknown> {
    if (!fs.existsSync(this.file)) return {};
    const all: unknown = JSON.parse(fs.readFileSync(this.file, "utf8"));
    if (typeof all !== "object" || all === null || Array.isArray(all)) throw new Error("no JSON object");
    return { ...all };
  }
}
