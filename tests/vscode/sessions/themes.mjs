// Heat, hover and panel in light, dark and both high contrast themes: pictures, and what of readability a program can check.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { heat } from "../panel.mjs";

const THEMES = {
  light: "Default Light Modern",
  dark: "Default Dark Modern",
  high_contrast: "Default High Contrast",
  high_contrast_light: "Default High Contrast Light",
};

/** What WCAG asks of text. */
const READABLE = 4.5;

function luminance([r, g, b]) {
  const linear = (value) =>
    value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const parts = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
const over = ([r, g, b, alpha = 1], ground) =>
  [r, g, b].map((value, at) => value * alpha + ground[at] * (1 - alpha));

/** Contrast of the text on each mark of heat. */
async function contrasts(vscode) {
  const { ground, ink } = await vscode.page.$eval(
    ".editor-group-container.active .monaco-editor[data-uri]",
    (editor) => ({
      ground: getComputedStyle(editor.querySelector(".monaco-editor-background")).backgroundColor,
      ink: getComputedStyle(editor.querySelector(".view-line span span")).color,
    }),
  );
  const marks = (await vscode.decorations()).filter(({ background }) => parts(background).length >= 3);
  return marks.map(({ background }) => contrast(parts(ink), over(parts(background), parts(ground))));
}

async function wear(stage, theme) {
  const folder = path.join(stage.folder, ".vscode");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "settings.json"), JSON.stringify({ "workbench.colorTheme": theme }));
  const kind = /High Contrast Light/.test(theme)
    ? "hc-light"
    : /High/.test(theme)
      ? "hc-black"
      : /Dark/.test(theme)
        ? "vs-dark"
        : "vs";
  await stage.vscode.page.locator(`.monaco-workbench.${kind}`).waitFor();
}

/** One colour for heat on the text and in the panel, which a person can change. */
async function followsItsColour(stage) {
  const { vscode } = stage;
  const own = { "workbench.colorCustomizations": { "limpid.supports": "#ff00ff" } };
  fs.writeFileSync(path.join(stage.folder, ".vscode/settings.json"), JSON.stringify(own));
  const isOwn = (colour) => /^rgba?\(255, 0, 255/.test(colour);
  await vscode.until("the text in it", async (saw) => {
    const marks = (await vscode.decorations()).map(({ background }) => background);
    saw(marks);
    return marks.some(isOwn);
  });
  const frame = await stage.panel();
  await vscode.until("the panel in it", async (saw) => {
    const colour = await frame.evaluate(() => {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.color = "var(--limpid-supports)";
      const seen = getComputedStyle(probe).color;
      probe.remove();
      return seen;
    });
    saw(colour);
    return isOwn(colour);
  });
}

export default async function themes(stage) {
  const { vscode } = stage;
  await vscode.openFile("capital.prompt", 1, 24);
  await vscode.inlayTexts("·Paris");
  await vscode.runCommand("Limpid: Inspect");
  await heat(vscode);
  await vscode.openFile("reviews.txt", 5, 13);
  await vscode.runCommand("Limpid: Inspect");
  await heat(vscode);
  for (const [name, theme] of Object.entries(THEMES)) {
    await wear(stage, theme);
    await heat(vscode);
    const found = await contrasts(vscode);
    assert.ok(
      found.every((one) => one >= READABLE),
      `${name}: contrasts ${found.map((one) => one.toFixed(1))}`,
    );
    if (name.startsWith("high")) {
      const underlined = (await vscode.decorations()).filter(({ underline }) => /underline/.test(underline));
      assert.ok(underlined.length >= 3, `${name}: heat is underlined`);
    }
    await vscode.hoverText(3, 8, { match: /token \d+ of/ });
    await stage.picture(`theme_${name}`);
    await vscode.page.mouse.move(2, 2);
  }
  await followsItsColour(stage);
  fs.rmSync(path.join(stage.folder, ".vscode"), { recursive: true });
  await vscode.page.locator(".monaco-workbench.vs").waitFor();
}
