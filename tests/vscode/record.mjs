// Takes the frames of the README's short animation, and the pictures of README and walkthrough: node record.mjs FOLDER.
// `animation.py` makes the frames one file and the pictures small. Run by hand when the look changes; the sessions of tests/run take
// pictures of their own.
import fs from "node:fs";
import path from "node:path";
import { heat, openSection, panelSays } from "./panel.mjs";
import { openStage } from "./stage.mjs";
import { pause } from "./window.mjs";

const folder = process.argv[2];
if (!folder) throw new Error("usage: node record.mjs FOLDER");
fs.mkdirSync(folder, { recursive: true });

/** Wide enough for the panel beside the text, small enough to be read in a README at its own size. */
const SIZE = { width: 1120, height: 680 };
const SETTINGS = {
  "editor.fontSize": 14,
  "workbench.layoutControl.enabled": false,
  "window.commandCenter": false,
  "editor.lightbulb.enabled": "off",
  "breadcrumbs.enabled": false,
};

const stage = await openStage({ viewport: SIZE, settings: SETTINGS });
const { vscode } = stage;
let at = 0;

/** Keeps a picture of the window, or of a part of it, once nothing moves any more. */
async function picture(name, clip) {
  await pause(700);
  await vscode.page.screenshot({ path: path.join(folder, `${name}.png`), clip });
}

/** A frame of the animation; the pointer is where it hovers, or out of the way. */
async function frame(name, { hovers = false } = {}) {
  if (!hovers) await vscode.page.mouse.move(2, 2);
  at += 1;
  await picture(`frame-${String(at).padStart(2, "0")}-${name}`);
}

/** A part of the window, from its top, so many pixels high. */
async function top(selector, height) {
  const box = await vscode.page.locator(selector).first().boundingBox();
  return { ...box, height: Math.min(height, box.height) };
}
const text = (height) => top(".part.editor .editor-container", height);
const panelOf = (height) => top(".part.sidebar", height);

/** The panel beside the text gets room. */
async function widen(width) {
  const sash = await vscode.page.locator(".part.sidebar").boundingBox();
  await vscode.page.mouse.move(sash.x + sash.width, sash.y + 300);
  await vscode.page.mouse.down();
  await vscode.page.mouse.move(sash.x + width, sash.y + 300, { steps: 4 });
  await vscode.page.mouse.up();
  await vscode.page.mouse.move(2, 2);
}

async function scrollTo(panel, section) {
  await panel.evaluate((name) => document.querySelector(`.section.${name}`).scrollIntoView(), section);
}

async function animation() {
  await vscode.openFile("capital.prompt", 1, 1);
  await vscode.inlayTexts(/Paris/);
  await vscode.showView("Limpid");
  await widen(430);
  await vscode.goto(1, 1);
  await frame("prediction");
  await vscode.runCommand("Limpid: Inspect");
  await heat(vscode);
  await panelSays(stage, /of flow shown/);
  await frame("inspected");
  await vscode.hoverText(1, 20, { match: /token 4 of 5/ });
  await frame("hover", { hovers: true });
  await picture("heat", await text(230));
  const panel = await stage.panel();
  await scrollTo(panel, "ways");
  const graph = panel.getByRole("application", { name: /Routes/ });
  await graph.focus();
  await vscode.key(...Array(10).fill("ArrowLeft"), "Enter");
  await panelSays(stage, /Would predict/i, { section: "inspector" });
  await frame("node");
  await picture("panel", await panelOf(620));
  const rankings = await openSection(panel, "rankings");
  await rankings.getByText("L12H0").first().click();
  await panelSays(stage, /Promotes/i, { section: "inspector" });
  await scrollTo(panel, "inspector");
  await frame("head");
  await vscode.runCommand("Limpid: Measure Effects of the Prompt's Parts");
  await panelSays(stage, /\+8\.27/, { section: "effects", timeout: 60_000 });
  await scrollTo(panel, "effects");
  await frame("measured");
  await panel.locator("section.effects").screenshot({ path: path.join(folder, "measure.png") });
  await panel.evaluate(() => scrollTo(0, 0));
  await panel.getByRole("button", { name: "Why not ·London: compare with it" }).click();
  await panelSays(stage, /rather than\s+·London/);
  await frame("foil");
  await picture("foil", await panelOf(330));
}

/** The whole panel in a dark theme, as an editor tab. */
async function dark() {
  fs.mkdirSync(stage.file(".vscode"), { recursive: true });
  fs.writeFileSync(
    stage.file(".vscode/settings.json"),
    JSON.stringify({ "workbench.colorTheme": "Default Dark Modern" }),
  );
  await vscode.page.locator(".monaco-workbench.vs-dark").waitFor();
  await vscode.page.setViewportSize({ width: 1280, height: 860 });
  await vscode.openFile("reviews.txt", 5, 13);
  await vscode.runCommand("Limpid: Inspect");
  await panelSays(stage, /reviews\.txt/);
  await vscode.runCommand("View: Close Primary Side Bar").catch(() => {});
  await vscode.runCommand("Limpid: Open Panel in Editor Tab");
  await pause(3000);
  await picture("panel-dark");
}

try {
  await animation();
  await dark();
} finally {
  await stage.close();
}
