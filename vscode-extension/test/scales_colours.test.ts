// One definition of the scales' colours: the report, which has no theme, falls back to what the extension contributes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");
const { contributes } = JSON.parse(read("package.json")) as {
  contributes: { colors: { id: string; defaults: Record<string, string> }[] };
};

test("the style sheet's defaults are the contributed colours", () => {
  const style = read("webview/scales.css");
  for (const { id, defaults } of contributes.colors) {
    const own = [...style.matchAll(new RegExp(`var\\(--vscode-${id.replace(".", "-")}, (#\\w+)\\)`, "g"))];
    // The reader's own light and dark, VS Code's light and dark; high contrast is as its kind.
    expect(own.map(([, colour]) => colour)).toEqual([
      defaults["light"],
      defaults["dark"],
      defaults["light"],
      defaults["dark"],
    ]);
    expect(defaults["highContrast"]).toBe(defaults["dark"]);
    expect(defaults["highContrastLight"]).toBe(defaults["light"]);
  }
});

test("the strongest step mixes as much of the colour on the text as in the panel", () => {
  const text = /const MOST = (\d+);/.exec(read("src/heat.ts"))?.[1];
  const panel = [...read("webview/scales.css").matchAll(/-hue\) calc\(var\(--limpid-step\) \* (\d+)%/g)].map(
    ([, most]) => most,
  );
  expect(panel[0]).toBe(text);
});
