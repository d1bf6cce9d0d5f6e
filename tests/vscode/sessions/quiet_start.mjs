// Nothing happens before it is needed: a file that is no prompt starts nothing, a prompt shows its prediction, and only that.
import assert from "node:assert/strict";
import { dialogs, notifications, statusItem } from "../messages.mjs";
import { pause } from "../window.mjs";

/** Milliseconds that VS Code says the extension took to activate. */
export async function activationTime(vscode) {
  await vscode.runCommand("Developer: Show Running Extensions");
  const row = await vscode.until("the extension's row", async (saw) => {
    const rows = await vscode.page.locator(".runtime-extensions-editor .monaco-list-row").allInnerTexts();
    saw(rows.map((text) => text.slice(0, 60)));
    return rows.find((text) => /^Limpid\b/.test(text.trim()));
  });
  await vscode.runCommand("View: Close Editor");
  return Number(/(\d+)ms/.exec(row.replace(/\s+/g, " "))[1]);
}

export default async function quietStart(stage) {
  const { vscode } = stage;
  await vscode.openFile("code.py", 3, 12);
  await pause(1000);
  assert.equal(stage.daemon(), undefined, "no daemon for a file that is no prompt");
  assert.deepEqual(
    (await vscode.lines()).flatMap(({ hints }) => hints),
    [],
  );

  await vscode.openFile("capital.prompt", 1, 1);
  await vscode.inlayTexts("·Paris 77 %");
  await statusItem(vscode, /Limpid.*SmolLM2/);
  assert.ok(stage.daemon(), "a prompt needs the daemon");
  assert.deepEqual(await vscode.decorations(), [], "no heat before it is asked for");
  await vscode.codeLenses(/^Limpid: ·Paris 77 % · SmolLM2-135M-Instruct · 5 tokens/);

  await vscode.openFile("notes.md", 6, 1);
  await vscode.inlayTexts(/·cold/);
  const hints = (await vscode.lines()).filter(({ hints: all }) => all.length).map(({ line }) => line);
  assert.deepEqual(hints, [6], "a prediction at the end of the fence, and nowhere else");
  assert.deepEqual([await notifications(vscode), await dialogs(vscode)], [[], []]);
  console.log(`      activation: ${await activationTime(vscode)} ms`);
}
