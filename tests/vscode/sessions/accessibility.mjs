// The panel for those who use no mouse, or no screen: axe-core finds nothing serious in any state, and every control is reached and
// worked by keyboard.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import { heat, openSection, panelSays } from "../panel.mjs";

const require = createRequire(new URL("../../../vscode-extension/package.json", import.meta.url));
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** Prompts that are not answered: longer than the model's window, and for a model that is nowhere. */
const PROBLEMS = {
  "too long": ["word ".repeat(9000), /9,?00\d tokens/],
  "no such model": ["---\nmodel: no-such-model\n---\nThe capital", /no-such-model/],
};
const SECTIONS = ["rankings", "effects", "by-part", "compare", "history"];

/** What axe finds that is serious or worse: rule, how many, the first place. */
async function axe(frame) {
  // Through the debugger, not as a script element, which the panel's policy would refuse.
  await frame.evaluate(AXE);
  const { violations } = await frame.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], rules: { region: { enabled: false } } }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.slice(0, 200)}`,
    );
}

/** Names of what Tab reaches, from the top of the panel to its end. */
async function reachedByTab(vscode, frame) {
  await frame.evaluate(() => {
    document.activeElement?.blur();
    document.querySelector("button").focus();
  });
  const seen = [];
  for (let step = 0; step < 150; step++) {
    const name = await frame.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(element);
      const isSeen =
        (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none" || Boolean(borderColor);
      return `${element.getAttribute("aria-label") || element.textContent.trim().slice(0, 40)}${isSeen ? "" : " UNSEEN"}`;
    });
    if (name === null || (seen.length > 3 && name === seen[0])) break;
    seen.push(name);
    await vscode.key("Tab");
  }
  return seen;
}

export default async function accessibility(stage) {
  const { vscode } = stage;
  await vscode.showView("Limpid");
  await panelSays(stage, /Inspect/);
  const found = {};
  const look = async (name) => {
    const problems = await axe(await stage.panel());
    if (problems.length) found[name] = problems;
  };
  await look("empty");
  for (const [name, [text, said]] of Object.entries(PROBLEMS)) {
    const file = stage.file("problem.prompt");
    fs.writeFileSync(file, text);
    await vscode.openFile("problem.prompt", 1, 1);
    await vscode.runCommand("Limpid: Inspect");
    await panelSays(stage, said, { timeout: 60_000 });
    await look(name);
    await stage.picture(`problem_${name.replaceAll(" ", "_")}`);
    await vscode.runCommand("View: Revert and Close Editor");
    fs.rmSync(file);
  }
  await vscode.openFile("capital.prompt", 2, 1);
  await vscode.inlayTexts("·Paris");
  await vscode.runCommand("Limpid: Inspect");
  await heat(vscode);
  const frame = await stage.panel();
  await panelSays(stage, /of flow shown/);
  await look("routes");
  for (const name of SECTIONS) await openSection(frame, name);
  await panelSays(stage, /L12H0/, { section: "rankings" });
  await look("all sections");
  await frame.locator("section.rankings").getByText("L12H0").first().click();
  await frame.getByRole("button", { name: "note: what L12H0 does" }).click();
  await frame.getByRole("textbox", { name: "Name or note of L12H0" }).waitFor();
  await look("a note is written");
  await vscode.key("Escape");
  await frame.getByRole("tab", { name: "Lens" }).click();
  await look("lens");
  await frame.getByRole("tab", { name: "Routes" }).click();
  await frame.getByRole("application", { name: /Routes/ }).focus();
  await vscode.key("t");
  await look("table");
  await vscode.key("t");

  const reached = await reachedByTab(vscode, frame);
  for (const wanted of [
    /Prediction/,
    /·Paris/,
    /Why not ·London/,
    /Tokens|token \d/,
    /Routes/,
    /Flow shown/,
    /Effects/,
    /Compare/,
    /History/,
  ]) {
    assert.ok(
      reached.some((name) => wanted.test(name)),
      `Tab does not reach ${wanted}: ${reached.join(" | ")}`,
    );
  }
  assert.deepEqual(
    reached.filter((name) => name.endsWith("UNSEEN")),
    [],
    "what has the focus shows it",
  );
  await vscode.goto(2, 1);
  await vscode.type("x");
  await panelSays(stage, /changed/i);
  await look("stale");
  await stage.picture("accessibility_stale");
  assert.deepEqual(found, {}, "axe-core, serious or worse");
}
