// What goes wrong is said calmly, once, with a way out; nothing that a file says is carried out; the editor stays usable.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { clearNotifications, dialogs, notifications, statusItem } from "../messages.mjs";
import { pause } from "../window.mjs";
import { heat, panelSays } from "../panel.mjs";

export const large = ["large.prompt", "binary.prompt", "long.prompt", "unbroken.prompt"];

/** No dialog, and no more than one notification about a thing. */
async function isCalm(vscode, what) {
  assert.deepEqual(await dialogs(vscode), [], `${what}: no dialog`);
  const said = await notifications(vscode);
  assert.ok(said.length <= 1, `${what}: one notification at most: ${said}`);
}

/** Milliseconds until the editor has taken a key: it is not frozen. */
async function answers(vscode) {
  const start = Date.now();
  await vscode.goto(1, 1, { timeout: 10_000 });
  return Date.now() - start;
}

const wasCarriedOut = (vscode) =>
  Promise.all(
    vscode.page.frames().map((frame) => frame.evaluate(() => window.__pwned).catch(() => undefined)),
  ).then((all) => all.filter((one) => one !== undefined));

/** A second window on a folder with settings of its own. */
async function windowWith(stage, name, settings, act) {
  const folder = path.join(stage.root, name);
  fs.mkdirSync(path.join(folder, ".vscode"), { recursive: true });
  fs.writeFileSync(path.join(folder, ".vscode/settings.json"), JSON.stringify(settings));
  fs.writeFileSync(path.join(folder, "capital.prompt"), "The capital of France is\n");
  const window = await stage.vscode.another(folder);
  try {
    await window.openFile("capital.prompt", 1, 1);
    await act(window, folder);
  } finally {
    await window.page.close();
  }
}

function program(stage, name, text) {
  const file = path.join(stage.root, name);
  fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

const CASES = {
  "no binary": (stage) =>
    windowWith(stage, "no_binary", { "limpid.path": "/nowhere/limpid" }, async (window) => {
      await statusItem(window, /Limpid/);
      await window.runCommand("Limpid: Inspect");
      await panelSays(stage.through(window), /\/nowhere\/limpid/);
      await isCalm(window, "no binary");
      await window.screenshot(stage.pictureFile("no_binary"));
    }),
  "a binary of another version": (stage) => {
    const binary = program(stage, "later", 'echo "limpid 9.9.9"');
    return windowWith(stage, "other_version", { "limpid.path": binary }, async (window) => {
      await window.runCommand("Limpid: Inspect");
      await panelSays(stage.through(window), /9\.9\.9/);
      await isCalm(window, "another version");
      await window.screenshot(stage.pictureFile("other_version"));
    });
  },
  "a binary that is something else": (stage) => {
    const binary = program(stage, "hello", "echo hello");
    return windowWith(stage, "not_limpid", { "limpid.path": binary }, async (window) => {
      await window.runCommand("Limpid: Inspect");
      await panelSays(stage.through(window), /not Limpid/);
      await isCalm(window, "something else");
    });
  },
  "a model that is not there": (stage) =>
    windowWith(stage, "no_model", { "limpid.model": "nobody/knows-this" }, async (window) => {
      await window.runCommand("Limpid: Inspect");
      await panelSays(stage.through(window), /nobody\/knows-this/);
      await isCalm(window, "no model");
      await window.screenshot(stage.pictureFile("no_model"));
    }),
  "10 MiB": async (stage) => {
    const { vscode } = stage;
    await vscode.openWhatever("large.prompt");
    await vscode.goto(1, 1);
    await vscode.runCommand("Limpid: Inspect");
    await panelSays(stage, /larger than 10 MiB|too large|tokens/i);
    await isCalm(vscode, "10 MiB");
    assert.ok((await answers(vscode)) < 5000);
    await stage.picture("large_file");
  },
  "a binary file": async (stage) => {
    const { vscode } = stage;
    await vscode.openWhatever("binary.prompt"); // as text, it is full of what is no letter
    await pause(500);
    await vscode.runCommand("Limpid: Inspect");
    await pause(500);
    await isCalm(vscode, "binary file");
    assert.ok((await answers(vscode).catch(() => 0)) < 5000);
    await stage.picture("binary_file");
  },
  "100 kB without a space": async (stage) => {
    const { vscode } = stage;
    await vscode.openFile("unbroken.prompt", 1, 1);
    await vscode.runCommand("Limpid: Inspect");
    await panelSays(stage, /tokens/i, { timeout: 60_000 });
    await isCalm(vscode, "unbroken");
    assert.ok((await answers(vscode)) < 5000);
    await stage.picture("unbroken");
  },
  // Minutes of work on two cores, and nobody has to wait for it: the editor answers, and another prompt goes before it.
  "4,000 tokens": async (stage) => {
    const { vscode } = stage;
    await vscode.openFile("long.prompt", 1, 1);
    await vscode.runCommand("Limpid: Inspect");
    await panelSays(stage, /Reading the prompt|memory|window|traced 3,\d{3}/);
    assert.ok((await answers(vscode)) < 10_000, "the editor answers while it computes");
    await stage.picture("long_prompt");
    await vscode.openFile("capital.prompt", 2, 1);
    await vscode.runCommand("Limpid: Inspect");
    await panelSays(stage, /·Paris/, { timeout: 60_000 });
    await isCalm(vscode, "4,000 tokens");
  },
  "a hostile prompt": async (stage) => {
    const { vscode } = stage;
    const before = vscode.requests.length;
    await vscode.openFile("hostile.prompt", 7, 14);
    await vscode.runCommand("Limpid: Inspect");
    await heat(vscode);
    for (const [line, col] of [
      [1, 3],
      [2, 8],
      [3, 4],
      [5, 8],
    ]) {
      await vscode.hoverText(line, col, { match: /token/ });
    }
    assert.ok((await vscode.page.locator(".tab").count()) > 0, "no command ran");
    await panelSays(stage, /script/);
    await stage.picture("hostile_prompt");
    await pause(500);
    assert.deepEqual(await wasCarriedOut(vscode), [], "nothing of it was carried out");
    const pixel = vscode.requests.slice(before).filter((url) => /pixel\.png|127\.0\.0\.1:9\//.test(url));
    assert.deepEqual(pixel, [], "no picture was fetched");
    const hidden = await vscode.page.$$eval(
      ".monaco-hover img, .monaco-hover iframe, .monaco-hover script",
      (e) => e.length,
    );
    assert.equal(hidden, 0);
    await isCalm(vscode, "hostile");
  },
  "a daemon killed while it works": async (stage) => {
    const { vscode } = stage;
    await vscode.openFile("harbour.prompt", 1, 1);
    await vscode.type("Once: ");
    const pid = stage.daemon();
    assert.ok(pid, "a daemon runs");
    await vscode.runCommand("Limpid: Inspect");
    await pause(150);
    process.kill(pid, "SIGKILL");
    await vscode.until(
      "an answer from the next daemon, or a reason",
      async (saw) => {
        const text = await (await stage.panel({ timeout: 5000 })).locator("body").innerText();
        saw(text.slice(0, 200));
        return /went away|restart/i.test(text) || (await vscode.decorations()).length > 10;
      },
      { timeout: 120_000 },
    );
    await isCalm(vscode, "killed");
    await stage.picture("daemon_killed");
    await vscode.runCommand("Limpid: Inspect");
    await heat(vscode);
    assert.notEqual(stage.daemon(), pid, "another daemon");
  },
  "a place that cannot be written to": async (stage) => {
    const { vscode } = stage;
    await vscode.openFile("capital.prompt", 1, 1);
    await vscode.runCommand("Limpid: Inspect");
    await heat(vscode);
    // Not a folder that is read-only: who runs tests as root may write there too.
    await vscode.runCommand("Limpid: Save Analysis As…");
    await vscode.pick("JSON");
    await vscode.until("a save dialog", () => vscode.quick.isVisible());
    await vscode.quick.fill("/proc/limpid/capital.json");
    await vscode.key("Enter");
    await pause(800);
    await vscode.key("Escape");
    await isCalm(vscode, "no write");
    await stage.picture("not_writable");
  },
};

export default async function badInput(stage) {
  const { vscode } = stage;
  const failures = [];
  for (const [name, act] of Object.entries(CASES)) {
    const start = Date.now();
    try {
      await act(stage);
    } catch (problem) {
      failures.push(`${name}: ${problem.message}`);
    }
    if (process.env.LIMPID_SESSION_STEPS) {
      console.log(
        `  ${name}: ${Date.now() - start} ms ${failures.at(-1)?.startsWith(name) ? failures.at(-1) : "ok"}`,
      );
    }
    await clearNotifications(vscode);
    await vscode.runCommand("View: Close All Editors");
    if ((await dialogs(vscode)).length) await vscode.page.getByRole("button", { name: "Don't Save" }).click();
  }
  assert.deepEqual(failures, []);
}
