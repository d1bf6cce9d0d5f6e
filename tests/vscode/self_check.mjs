// Whether the VS Code that setup built can be driven: a file opened, typed in, saved and changed by a command, nothing asked from
// the outside. No extension is needed.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { launch } from "./driver.mjs";
import { dialogs, notifications } from "./messages.mjs";

const rig = process.argv[2];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lvs-check-"));
fs.writeFileSync(path.join(folder, "a.txt"), "one\ntwo\n");
const vscode = await launch({ ...(rig ? { rig } : {}), folder });
try {
  await vscode.openFile("a.txt", 2, 1);
  await vscode.type("and ");
  await vscode.runCommand("Transform to Uppercase");
  await vscode.key("Control+S");
  const read = () => fs.readFileSync(path.join(folder, "a.txt"), "utf8");
  await vscode.until("saved", () => read() === "one\nand TWO\n");
  assert.deepEqual((await vscode.lines()).slice(0, 2), [
    { line: 1, text: "one", hints: [] },
    { line: 2, text: "and TWO", hints: [] },
  ]);
  assert.deepEqual([await notifications(vscode), await dialogs(vscode)], [[], []]);
  const outside = vscode.requests.filter((url) => /^https?:/.test(url) && !url.startsWith(vscode.url));
  assert.deepEqual(outside, []);
} finally {
  await vscode.close();
  fs.rmSync(folder, { recursive: true });
}
console.log("VS Code can be driven");
