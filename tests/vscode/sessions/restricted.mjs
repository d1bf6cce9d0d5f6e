// A folder that is not trusted, with the package that carries no binary: nothing happens by itself, the folder's settings count for
// nothing, and what was asked for is done with the user's own `limpid` from PATH. Then without a model and without the network.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { dialogs, notifications } from "../messages.mjs";
import { heat, panelSays } from "../panel.mjs";
import { openStage } from "../stage.mjs";
import { pause } from "../window.mjs";

export const opensItsOwn = true;

const RELEASE = fileURLToPath(new URL("../../../target/release", import.meta.url));

/** A program that leaves a mark when it is started, named by the folder's own settings. */
function bait(folder) {
  const mark = path.join(folder, "started");
  const program = path.join(folder, "bait");
  fs.writeFileSync(program, `#!/bin/sh\ntouch ${mark}\necho "limpid 0.1.0"\n`, { mode: 0o755 });
  fs.mkdirSync(path.join(folder, ".vscode"));
  const settings = { "limpid.path": program, "limpid.model": "./bait.gguf" };
  fs.writeFileSync(path.join(folder, ".vscode/settings.json"), JSON.stringify(settings));
  return mark;
}

export default async function restricted() {
  // VS Code's server takes PATH from a login shell, so it is set where a user sets it.
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "lhome-"));
  fs.mkdirSync(path.join(home, "bin"));
  fs.symlinkSync(path.join(RELEASE, "limpid"), path.join(home, "bin/limpid"));
  fs.writeFileSync(path.join(home, ".bash_profile"), `export PATH="$HOME/bin:$PATH"\n`);
  let mark;
  const stage = await openStage({
    binary: false,
    trust: true,
    settings: {
      "security.workspace.trust.startupPrompt": "never",
      "security.workspace.trust.banner": "never",
    },
    env: { HOME: home, SHELL: "/bin/bash" },
    prepare: (folder) => (mark = bait(folder)),
  });
  const { vscode } = stage;
  try {
    await vscode.openFile("capital.prompt", 1, 17);
    await pause(1500);
    assert.equal(stage.daemon(), undefined, "nothing is started by itself");
    assert.deepEqual(
      (await vscode.lines()).flatMap(({ hints }) => hints),
      [],
    );
    await vscode.goto(2, 1);
    await vscode.runCommand("Limpid: Inspect");
    await heat(vscode);
    await panelSays(stage, /·Paris/);
    assert.ok(!fs.existsSync(mark), "the folder's binary was not started");
    assert.deepEqual([await notifications(vscode), await dialogs(vscode)], [[], []]);
    await stage.picture("restricted");
  } finally {
    await stage.close();
    fs.rmSync(home, { recursive: true, force: true });
  }
}
