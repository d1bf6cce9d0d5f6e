// What is saved cannot break out of what it is saved in.
import { expect, test } from "vitest";
import { dot } from "../src/dot";
import { inert } from "../src/saving";
import { isCompatible, candidates } from "../src/binary";
import { sentence } from "../src/problems";

test("recorded answers are no markup, whatever a prompt says", () => {
  const hostile = { text: "</script><script>alert(1)</script>&\u2028<!--" };
  const written = inert(hostile);
  expect(written).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(written)).toEqual(hostile);
});

test("DOT is what the command-line program writes, and labels stay inside their quotes", () => {
  const node = { node: 0, layer: 2, position: 0, flow: 0.43308657 };
  const edge = { from: 0, to: 1, contribution: 1, flow: 0.5 };
  const text = dot(
    "small",
    {
      target: { position: 0, id: 1, text: "x", foil: null },
      routes: {
        prune: "mass=0.9",
        shown: 0.10117669,
        nodes: [
          { ...node, kind: "embed" },
          { ...node, kind: "resid_mid" },
          { ...node, kind: "mlp" },
          { ...node, kind: "resid_post" },
        ],
        edges: [
          { ...edge, kind: "residual", heads: [] },
          { ...edge, kind: "attention", heads: [3, 1, 2, 0].map((head) => ({ head, contribution: 0.1 })) },
        ],
      },
      heads: [],
      neurons: [],
    },
    [{ index: 0, id: 1, display: 'a"]; evil\\', range: null }],
  );
  expect(text.split("\n")).toEqual([
    "digraph routes {",
    "  rankdir=BT;",
    '  node [fontname="monospace", fontsize=10];',
    '  label="small · 10 % of flow shown";',
    '  n0 [label="a\\"]; evil\\\\ 43 %", shape=plaintext];',
    '  n1 [label="L2 mid a\\"]; evil\\\\ 43 %", shape=ellipse];',
    '  n2 [label="L2 MLP a\\"]; evil\\\\ 43 %", shape=box];',
    '  n3 [label="L2 post a\\"]; evil\\\\ 43 %", shape=ellipse];',
    '  n0 -> n1 [penwidth=3.50, label="", tooltip="residual 50 %"];',
    '  n0 -> n1 [penwidth=3.50, label="H3 H1 H2", tooltip="attention 50 %"];',
    "}",
    "",
  ]);
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
