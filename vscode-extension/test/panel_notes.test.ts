// Notes: of which components, as what text, and where they are shown.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ToPanel } from "../webview/messages";
import { LONGEST_NOTE, notable, readNotes, tidyNote } from "../webview/notes/notes";
import { RecordedHome } from "../webview/recorded_home";
import { headsOf } from "../webview/routes/words";
import { runMarkdown } from "../webview/run_markdown";

describe("a note", () => {
  it("is of a head, a neuron or an MLP, wherever it is looked at", () => {
    expect(notable({ kind: "head", layer: 9, head: 6, position: 3 })).toBe("L9H6");
    expect(notable({ kind: "neuron", layer: 14, neuron: 873 })).toBe("L14 N873");
    expect(notable({ kind: "mlp", layer: 3, position: 1 })).toBe("MLP L3");
    expect(notable({ kind: "position", position: 3 })).toBeNull();
    expect(notable(null)).toBeNull();
  });

  it("is one line of text, whatever was typed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (typed) => {
        const note = tidyNote(typed);
        expect(note).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(Array.from(note).length).toBeLessThanOrEqual(LONGEST_NOTE);
        expect(tidyNote(note)).toBe(note);
      }),
    );
    expect(tidyNote("  copies\n names ")).toBe("copies names");
  });

  it("from elsewhere is taken for a component's only, and only as text", () => {
    const others = { L1H1: "a", "L1 N2": 3, "<img>": "b", __proto__: "c", "MLP L0": "  " };
    expect(readNotes(others)).toEqual({ L1H1: "a" });
    expect(readNotes("L1H1")).toEqual({});
  });
});

describe("where a component is named", () => {
  it("a report shows the notes that it was saved with, and offers no writing", () => {
    const run = { title: "a", model: "m", took_ms: 1, at: 1 };
    const home = new RecordedHome({ version: 1, run, text: "", answers: [], notes: { L1H1: "a", x: 1 } });
    const heard: ToPanel[] = [];
    home.subscribe((message) => heard.push(message));
    home.send({ type: "ready" });
    expect(heard[0]).toMatchObject({ notes: { L1H1: "a" } });
    expect(home.can.note).toBe(false);
  });

  it("routes and Markdown name it too, and the note stays text", () => {
    const heads = [{ head: 1, contribution: 0.5 }];
    const edge = { from: 0, to: 1, kind: "attention", contribution: 0.5, flow: 0.5, heads } as const;
    expect(headsOf({ ...edge, heads }, 1, { L1H1: "copies" })).toBe("L1H1 “copies” 100 %");
    const markdown = runMarkdown({
      run: { title: "a", model: "m", n_tokens: 1, target: null, predictions: [] } as never,
      tokens: { table: [], view: { target: { text: "x" }, predictions: [] } } as never,
      attribution: {
        attribution: { scores: [], unit: "nats" },
        heads: [{ layer: 1, head: 1, flow: 0.5, attribution: 1, promotes: [] }],
        neurons: [],
      } as never,
      measured: new Map(),
      notes: { L1H1: "a | `b` <img>" },
    });
    expect(markdown).toContain("| L1H1 ``a \\| `b` <img>`` |");
  });
});
