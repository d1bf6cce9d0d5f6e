// Notes are in a file as soon as they are kept, for each model; what cannot be read is not written over.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeptNotes } from "../src/notes";

let folder: string;
beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "limpid-notes-")), "not there yet");
});
afterEach(() => fs.rmSync(path.dirname(folder), { recursive: true }));

test("another window sees a note at once, of that model only", () => {
  new KeptNotes(folder).keep("a", "L12H0", "country → capital");
  new KeptNotes(folder).keep("b", "L12H0", "else");
  new KeptNotes(folder).keep("b", "constructor", "no component");
  const notes = new KeptNotes(folder);
  expect(notes.of("a")).toEqual({ L12H0: "country → capital" });
  notes.keep("a", "L12H0", "");
  expect([notes.of("a"), notes.of("b")]).toEqual([{}, { L12H0: "else" }]);
});

test("a file that is no JSON is left as it is, and named", () => {
  fs.mkdirSync(folder);
  const file = path.join(folder, "notes.json");
  fs.writeFileSync(file, "{broken");
  const notes = new KeptNotes(folder);
  expect(notes.of("a")).toEqual({});
  expect(() => notes.keep("a", "L1H1", "x")).toThrow(file);
  expect(fs.readFileSync(file, "utf8")).toBe("{broken");
});
