// The saved picture: whatever the tokens hold, it is one well-formed SVG document with nothing but drawing in it.
// What must not live here: PNG, which needs a browser (drawing_page/gestures.mjs).
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Colours } from "../webview/scales";
import { fitted, frameOf, plotSize } from "../webview/routes/frame";
import { graphOf } from "../webview/routes/graph";
import { layoutOf } from "../webview/routes/layout";
import { edgeSlots, headSlots } from "../webview/routes/palette";
import { escaped, toSvg } from "../webview/routes/save";
import { emptyShown, show } from "../webview/routes/shown";
import { synthetic } from "./drawing_page/synthetic";

const HOSTILE = [
  '<script>alert("1")</script>',
  "&amp;&",
  "]]>",
  "\u202eRTL",
  "\u001b[31m",
  "'\"",
  "a\u0000b",
  "\ud800",
];

function picture(text: string, numbers: boolean): string {
  const { routes, tokens, target } = synthetic(12, 5, 200);
  const graph = graphOf(routes);
  const frame = frameOf(600, 500, false);
  const layout = layoutOf(graph, {
    ...plotSize(frame),
    isTurned: false,
    nTokens: 12,
    count: 200,
    keep: new Set(),
    unfoldedLayers: new Set(),
  });
  const colours = new Proxy({ isHighContrast: false, font: `"Segoe UI", sans-serif` } as Colours, {
    get: (of, name): unknown => Reflect.get(of, name) ?? "rgb(1, 2, 3)",
  });
  return toSvg({
    graph,
    layout,
    shown: show(emptyShown(graph, layout), graph, layout, 200),
    slots: edgeSlots(graph, headSlots(graph)),
    colours,
    frame,
    view: fitted(frame, layout),
    tokens: tokens.map((token) => ({ ...token, display: text })),
    target: { ...target, text },
    numbers,
  });
}

/** Tags balance and nothing is left over that opens one: enough of XML for a document we wrote. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replace(
    /<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, close, name: string, _a, empty) => {
      if (close) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return "";
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
  expect(rest).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
}

test("hostile tokens are text", () => {
  for (const text of HOSTILE)
    for (const numbers of [false, true]) {
      const svg = picture(text, numbers);
      expectWellFormed(svg);
      expect(svg).not.toMatch(/<script|on\w+=|href|NaN|undefined|Infinity/);
    }
});

test("any token is text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) =>
      expectWellFormed(picture(text, false)),
    ),
    { numRuns: 12 },
  );
});

test("what XML cannot hold is replaced", () => {
  expect(escaped("a\u0000\u0008\ud800<b>")).toBe("a\ufffd\ufffd\ufffd&lt;b&gt;");
});
