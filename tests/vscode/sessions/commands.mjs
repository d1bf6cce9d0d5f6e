// Every command that the extension contributes, run from the palette as a person would, and what must then be seen.
import assert from "node:assert/strict";
import fs from "node:fs";
import {
  clearNotifications,
  dialogs,
  notification,
  notifications,
  outputChannel,
  statusItem,
} from "../messages.mjs";
import { heat, panelSays } from "../panel.mjs";
import { manifest } from "../stage.mjs";
import { pause } from "../window.mjs";

const cursor = (vscode) => vscode.page.locator("#status\\.editor\\.selection").textContent();
const active = (vscode) =>
  vscode.page.locator(".editor-group-container.active .tab.active .label-name").first().textContent();
/** User settings, and those of the machine, where VS Code keeps them apart. */
const settingsOf = (vscode) => {
  const files = ["User", "Machine"].map((place) => `${vscode.data}/${place}/settings.json`);
  const there = files.filter((file) => fs.existsSync(file));
  return Object.assign({}, ...there.map((file) => JSON.parse(fs.readFileSync(file, "utf8"))));
};

/** Command, and what is to be done and seen after it was run. In this order. */
const STEPS = {
  "limpid.inspect": (stage) => heat(stage.vscode),
  "limpid.refresh": (stage) => heat(stage.vscode),
  "limpid.panel": (stage) => stage.panel(),
  "limpid.setTarget": async ({ vscode }) => {
    await vscode.pick("·London");
    await statusItem(vscode, /SmolLM2/);
  },
  "limpid.setFoil": async (stage) => {
    await stage.vscode.pick("·the");
    await panelSays(stage, /·the/);
  },
  "limpid.nextStrongest": async ({ vscode }) => {
    await vscode.until("the strongest token", async () => (await cursor(vscode)).startsWith("Ln 1, Col"));
  },
  "limpid.previousStrongest": async ({ vscode }) => {
    await vscode.until("a token", async () => /Ln 1, Col (?!1$)/.test(await cursor(vscode)));
  },
  "limpid.numbers": async ({ vscode }) => {
    const numbers = () =>
      vscode.page.$$eval(".monaco-editor .view-line [class*='ced-']", (marks) =>
        marks.map((mark) => getComputedStyle(mark, "::after").content).filter((text) => /\d/.test(text)),
      );
    await vscode.until("numbers on the text", async () => (await numbers()).length >= 4);
    await vscode.runCommand("Limpid: Toggle Numbers on the Text");
    await vscode.until("none again", async () => (await numbers()).length === 0);
  },
  "limpid.surprisal": async ({ vscode }) => {
    await vscode.inlayTexts(/nats/);
    await vscode.runCommand("Limpid: Toggle Surprisal");
    await vscode.until("no surprisal", async () =>
      (await vscode.lines()).every(({ hints }) => !hints.some((hint) => /nats/.test(hint))),
    );
  },
  "limpid.follow": async ({ vscode }) => {
    await vscode.until("set", () => settingsOf(vscode)["limpid.followCursor"] === false);
    await vscode.runCommand("Limpid: Toggle Following the Cursor");
    await vscode.until("set back", () => settingsOf(vscode)["limpid.followCursor"] !== false);
  },
  "limpid.pin": (stage) => panelSays(stage, /unpin|pinned/i).catch(() => undefined),
  "limpid.peekSources": async ({ vscode }) => {
    await vscode.page.locator(".peekview-widget").waitFor();
    await vscode.key("Escape");
  },
  "limpid.peekFed": async ({ vscode }) => {
    await vscode.page.locator(".peekview-widget").waitFor();
    await vscode.key("Escape");
  },
  "limpid.lens": (stage) => panelSays(stage, /lens/i),
  "limpid.measure": (stage) => panelSays(stage, /\+8\.27|\+7\.38/, { timeout: 60_000 }),
  "limpid.measureLines": (stage) => panelSays(stage, /effect/i, { timeout: 60_000 }),
  "limpid.measureHere": ({ vscode }) => statusItem(vscode, /Hiding ·France takes \+\d/),
  "limpid.switchOff": (stage) => panelSays(stage, /switch/i),
  "limpid.clearSwitches": (stage) => panelSays(stage, /switch/i),
  "limpid.compareLast": (stage) => panelSays(stage, /compare/i),
  "limpid.export": async ({ vscode, file }) => {
    await vscode.pick("JSON");
    await vscode.until("a save dialog", () => vscode.quick.isVisible());
    await vscode.answer(file("capital.limpid.json"));
    await notification(vscode, /Saved capital\.limpid\.json/);
    const kept = JSON.parse(fs.readFileSync(file("capital.limpid.json"), "utf8"));
    assert.equal(kept.text.trimEnd(), "The capital of France is");
  },
  "limpid.openReport": async ({ vscode }) => {
    const said = await notification(vscode, /The report is /);
    const at = /The report is (.*)\.$/.exec(said)[1];
    assert.match(fs.readFileSync(at, "utf8"), /limpid-recorded/);
    fs.rmSync(at);
  },
  "limpid.openTab": async ({ vscode }) => {
    await vscode.until("a tab", async () => (await active(vscode)) === "Limpid");
    await vscode.runCommand("View: Close Editor");
  },
  // Gemma answers otherwise: `·the` before `·Paris`.
  "limpid.chooseModel": async (stage) => {
    await stage.vscode.pick("gemma-3-270m");
    await stage.vscode.inlayTexts(/^ ?·the/, { timeout: 60_000 });
    await panelSays(stage, /gemma-3-270m/);
  },
  "limpid.compareModels": async (stage) => {
    await panelSays(stage, /compare/i);
    await stage.vscode.runCommand("Limpid: Choose Model…");
    await stage.vscode.pick("SmolLM2-135M-Instruct");
    await stage.vscode.inlayTexts(/^ ?·Paris/, { timeout: 60_000 });
  },
  "limpid.unloadModel": async (stage) => {
    await stage.vscode.pick("gemma-3-270m");
    await stage.vscode.until("unloaded", () => !/gemma\S* +loaded/.test(stage.limpid("daemon", "status")));
  },
  "limpid.loadModel": async (stage) => {
    await stage.vscode.pick("gemma-3-270m");
    const isLoaded = () => /gemma\S* +loaded/.test(stage.limpid("daemon", "status"));
    await stage.vscode.until("loaded", isLoaded, { timeout: 60_000 });
  },
  "limpid.hide": ({ vscode }) => heat(vscode, false),
  "limpid.chooseDevice": async ({ vscode }) => {
    await vscode.pick("cpu");
    await vscode.until("set", () => settingsOf(vscode)["limpid.device"] === "cpu");
    await statusItem(vscode, /SmolLM2/);
  },
  "limpid.choosePath": async ({ vscode }) => {
    await vscode.until("an open dialog", () => vscode.quick.isVisible());
    await vscode.key("Escape");
  },
  "limpid.restart": async ({ vscode }) => {
    await statusItem(vscode, /SmolLM2/);
  },
  "limpid.continue": async ({ vscode }) => {
    await vscode.until("written on", async (saw) => {
      const text = (await vscode.lines()).map((line) => line.text).join("\n");
      saw(text);
      return text.includes("The capital of France is Paris") || /is\n.*Paris/.test(text);
    });
    await vscode.key("Control+z");
  },
  "limpid.applyTemplate": async ({ vscode }) => {
    await vscode.until("a template", async (saw) => {
      const text = (await vscode.lines()).map((line) => line.text).join("\n");
      saw(text);
      return /^chat: true$/m.test(text);
    });
    await vscode.key("Control+z");
  },
  "limpid.showLog": async ({ vscode }) => {
    await vscode.page
      .locator(".part.panel .output-view-container, .part.panel .output-view")
      .first()
      .waitFor();
    await vscode.until("a log", () => /starting .*limpid/.test(outputChannel(vscode, "Limpid")));
    assert.doesNotMatch(outputChannel(vscode, "Limpid"), /capital of France/);
    await vscode.runCommand("View: Hide Panel");
  },
  "limpid.status": async ({ vscode }) => {
    await vscode.until("a menu", async () =>
      (await vscode.quickRows()).some((row) => /Inspect the prompt/.test(row)),
    );
    await vscode.key("Escape");
  },
  "limpid.openSettings": async ({ vscode }) => {
    await vscode.page.locator(".settings-editor").waitFor();
    await vscode.until("its settings", async () =>
      /Limpid/.test(await vscode.page.locator(".settings-editor").innerText()),
    );
    await vscode.runCommand("View: Close Editor");
  },
  "limpid.walkthrough": async ({ vscode }) => {
    await vscode.until("its own", async () => (await active(vscode)) === "Walkthrough: Limpid");
    await vscode.page.getByText("See through a prediction").first().waitFor();
    await vscode.runCommand("View: Close Editor");
  },
  "limpid.tour": async ({ vscode }) => {
    await vscode.until("a sample", async () => /The capital of France is/.test(await active(vscode)));
    await heat(vscode);
    // The keys are the text's, not the panel's that has just come.
    await vscode.key("Alt+]");
    await vscode.until("the strongest token", async () => (await cursor(vscode)) === "Ln 1, Col 5");
    await vscode.runCommand("View: Revert and Close Editor");
  },
};

export default async function commands(stage) {
  const { vscode } = stage;
  const contributed = manifest.contributes.commands;
  const ids = contributed.map(({ command }) => command);
  assert.deepEqual(
    ids.filter((id) => !(id in STEPS)),
    [],
    "commands that this session does not try",
  );
  assert.deepEqual(
    Object.keys(STEPS).filter((id) => !ids.includes(id)),
    [],
    "commands that are not contributed",
  );

  await vscode.openFile("capital.prompt", 1, 17);
  await vscode.inlayTexts("·Paris");
  const failures = [];
  const isLoud = process.env.LIMPID_SESSION_STEPS !== undefined;
  for (const [id, check] of Object.entries(STEPS)) {
    const { title } = contributed.find(({ command }) => command === id);
    const file = stage.file.bind(stage);
    try {
      if ((await active(vscode).catch(() => "")) !== "capital.prompt")
        await vscode.openFile("capital.prompt", 1, 17);
      // Effects are known for the model's own prediction, which a fresh look explains.
      if (id === "limpid.measure") {
        await vscode.goto(2, 1);
        await vscode.runCommand("Limpid: Inspect");
        await heat(vscode);
      }
      if (/^limpid\.(peek|measureHere)/.test(id)) await vscode.goto(1, id === "limpid.peekSources" ? 24 : 17);
      await vscode.runCommand(`Limpid: ${title}`);
      await check(Object.assign(Object.create(stage), { file }));
      const said = (await notifications(vscode)).filter((text) => /not found|error|failed/i.test(text));
      assert.deepEqual([said, await dialogs(vscode)], [[], []], id);
    } catch (problem) {
      failures.push(`${id}: ${problem.message}`);
      if (await vscode.quick.isVisible()) await vscode.key("Escape");
    }
    if (isLoud) console.log(`  ${id}: ${failures.at(-1)?.startsWith(id) ? failures.at(-1) : "ok"}`);
    await clearNotifications(vscode);
    await pause(50);
  }
  assert.deepEqual(failures, []);
}
