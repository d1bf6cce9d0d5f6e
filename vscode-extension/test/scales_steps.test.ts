// The colour scales: steps, classes, and the contrast of text on every step of our defaults on VS Code's default backgrounds.
// What must not live here: how anything is drawn.
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { diverging, largestWithoutSink, sequential, stepOf, STEPS } from "../webview/scales";

const css = readFileSync(new URL("../webview/scales.css", import.meta.url), "utf8");

type Rgb = [number, number, number];
function rgb(hex: string): Rgb {
  const at = (from: number) => Number.parseInt(hex.slice(from, from + 2), 16);
  return [at(1), at(3), at(5)];
}
function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
function over(top: Rgb, alpha: number, under: Rgb): Rgb {
  return top.map((value, at) => value * alpha + (under[at] ?? 0) * (1 - alpha)) as Rgb;
}
/** A hue's default in the block of a theme. */
function hue(block: string, name: string): Rgb {
  // The first rule whose list of selectors names the block.
  const body = new RegExp(`^${block}(?:,[^{]*)? \\{([^}]*)\\}`, "m").exec(css)?.[1] ?? "";
  const found = new RegExp(`--limpid-${name}: (?:var\\([^#]*)?(#[0-9a-f]{6})`).exec(body)?.[1];
  if (!found) throw new Error(`${block} has no --limpid-${name}`);
  return rgb(found);
}

// Editor and side bar of Light+, Light Modern, Dark+ and Dark Modern, with the text each has.
const THEMES = [
  { block: "body.vscode-light", backgrounds: ["#ffffff", "#f3f3f3"], text: "#000000" },
  { block: "body.vscode-light", backgrounds: ["#ffffff", "#f8f8f8"], text: "#3b3b3b" },
  { block: "body.vscode-dark", backgrounds: ["#1e1e1e", "#252526"], text: "#d4d4d4" },
  { block: "body.vscode-dark", backgrounds: ["#1f1f1f", "#181818"], text: "#cccccc" },
];

describe("contrast", () => {
  for (const { block, backgrounds, text } of THEMES)
    for (const background of backgrounds)
      for (const name of ["supports", "opposes", "flow"])
        test(`${name} under ${text} on ${background}`, () => {
          for (let step = 1; step <= STEPS; step++) {
            const behind = over(hue(block, name), (0.45 * step) / STEPS, rgb(background));
            expect(contrast(rgb(text), behind)).toBeGreaterThanOrEqual(4.5);
          }
        });

  test("lines have 3:1 on every background", () => {
    for (const { block, backgrounds } of THEMES)
      for (const background of backgrounds)
        for (const name of [
          "flow",
          "residual",
          "several",
          "other",
          ...[1, 2, 3, 4, 5, 6].map((n) => `head-${n}`),
        ])
          expect(
            contrast(hue(block, name), rgb(background)),
            `${name} on ${background}`,
          ).toBeGreaterThanOrEqual(2.9);
  });
});

test("the alpha in the style sheet is the one that is tested", () => {
  expect(css).toContain("calc(var(--limpid-step) * 45% / 7)");
});

test("a step is the seventh of the largest that a score reaches", () => {
  expect(diverging(1.4, 1.4)).toBe("support7");
  expect(diverging(-1.4, 1.4)).toBe("oppose7");
  expect(diverging(0.2, 1.4)).toBe("support1");
  expect(diverging(0.05, 1.4)).toBe("");
  expect(sequential(0.5, 1)).toBe("flow4");
  expect(sequential(-0.5, 1)).toBe("");
});

test("whatever comes, a class or nothing", () => {
  const number = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0));
  fc.assert(
    fc.property(number, number, (score, largest) => {
      expect(diverging(score, largest)).toMatch(/^((support|oppose)[1-7])?$/);
      expect(sequential(score, largest)).toMatch(/^(flow[1-7])?$/);
      expect(stepOf(score, largest)).toBeLessThanOrEqual(STEPS);
    }),
  );
});

test("more is never a lower step", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(share, share, (a, b) => a > b || stepOf(a, 1) <= stepOf(b, 1)));
});

test("the sink does not set the scale", () => {
  expect(largestWithoutSink([9, 0.5, -0.7, null, NaN])).toBe(0.7);
  expect(largestWithoutSink([9, 0.5], null)).toBe(9);
  expect(largestWithoutSink([9])).toBe(0);
});
