// What is saved cannot break out of what it is saved in.
import { expect, test } from "vitest";
import { dot, inert } from "../src/saving";
import { isCompatible, candidates } from "../src/binary";
import { sentence } from "../src/problems";

test("recorded answers are no markup, whatever a prompt says", () => {
  const hostile = { text: "</script><script>alert(1)</script>&\u2028<!--" };
  const written = inert(hostile);
  expect(written).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(written)).toEqual(hostile);
});

test("labels of DOT stay inside their quotes", () => {
  const text = dot(
    {
      target: { position: 0, id: 1, text: "x", foil: null },
      routes: {
        prune: "mass=0.9",
        shown: 1,
        nodes: [{ node: 0, kind: "embed", layer: 0, position: 0, flow: 1 }],
        edges: [{ from: 0, to: 0, kind: "residual", contribution: 1, flow: 0.5, heads: [] }],
      },
      heads: [],
      neurons: [],
    },
    [{ index: 0, id: 1, display: 'a"]; evil\\', range: null }],
  );
  expect(text).toContain('label="embed L0 a\\"]; evil\\\\"');
  expect(text).toContain("n0 -> n0 [penwidth=4.30];");
});

test("a binary fits when its protocol is ours", () => {
  expect(isCompatible("0.1.3", "0.1.0")).toBe(true);
  expect(isCompatible("0.2.0", "0.1.0")).toBe(false);
  expect(isCompatible("1.2.0", "1.0.0")).toBe(true);
  expect(isCompatible("2.0.0", "1.0.0")).toBe(false);
});

test("the setting wins over the extension's own binary, and that over PATH", () => {
  expect(candidates("/ext", "/mine/limpid", "/usr/bin")).toEqual(["/mine/limpid"]);
  const found = candidates("/ext", "", "/usr/bin").map((path) =>
    path.replace(/\.exe$/, "").replaceAll("\\", "/"),
  );
  expect(found).toEqual(["/ext/bin/limpid", "/usr/bin/limpid"]);
});

test("the daemon's sentences begin large and end", () => {
  expect(sentence("there is no prompt here; put the cursor into one")).toBe(
    "There is no prompt here; put the cursor into one.",
  );
  expect(sentence("Done.")).toBe("Done.");
});
