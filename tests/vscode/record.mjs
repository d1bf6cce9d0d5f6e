// Takes the frames of the README's short animation, and its pictures: node record.mjs FOLDER. `animation.py` makes them one file.
// Run by hand when the look changes; the sessions of tests/run take pictures of their own.
import fs from "node:fs";
import path from "node:path";
import { openStage } from "./stage.mjs";

const folder = process.argv[2];
if (!folder) throw new Error("usage: node record.mjs FOLDER");
fs.mkdirSync(folder, { recursive: true });

const stage = await openStage({ viewport: { width: 1280, height: 800 } });
const { vscode } = stage;
let at = 0;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Keeps a frame once nothing moves any more. */
async function frame(name) {
  await wait(600);
  at += 1;
  await vscode.screenshot(path.join(folder, `${String(at).padStart(2, "0")}-${name}.png`));
}

try {
  await vscode.openFile("capital.prompt", 1, 1);
  await vscode.inlayTexts(/Paris/);
  await frame("prediction");
  await vscode.runCommand("Limpid: Inspect");
  const panel = await stage.panel();
  await panel.getByText("of flow shown").first().waitFor();
  await frame("inspected");
  await vscode.hoverText(1, 20, { match: /token 4 of 5/ });
  await frame("hover");
  await vscode.page.mouse.move(2, 2);
  await vscode.goto(1, 20);
  await vscode.runCommand("Limpid: Hide This Token and Measure");
  await frame("measured");
  await vscode.runCommand("Limpid: Why Not… (Set Foil)");
  await frame("choose-foil");
  await vscode.answer("London");
  await wait(1500);
  await frame("foil");
  await vscode.runCommand("Limpid: Open Panel in Editor Tab");
  await wait(2500);
  await frame("tab");
} finally {
  await stage.close();
}
