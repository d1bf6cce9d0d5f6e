// What every session stands on: the packaged extension in a real VS Code, a daemon of its own with the real SmolLM2, a folder of
// prompts, a place for pictures. What must not live here: what a session does.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./driver.mjs";
import { workspace } from "./fixtures.mjs";
import { clearNotifications } from "./messages.mjs";

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
const EXTENSION = at("../../vscode-extension");
const MODELS = at("../.cache/home");
const PICTURES = at("../.cache/vscode-shots");

/** The manifest, which sessions read their list of commands from. */
export const manifest = JSON.parse(fs.readFileSync(path.join(EXTENSION, "package.json"), "utf8"));

/** The package to install: with the binary for this platform, or without one. */
export function packaged({ binary = true } = {}) {
  const target = binary ? `${process.platform}-${process.arch}-` : "";
  const file = path.join(EXTENSION, "dist", `limpid-${target}${manifest.version}.vsix`);
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: npm run package, in vscode-extension`);
  return file;
}

/**
 * Opens VS Code on a fresh copy of the workspace.
 *   large     files of fixtures.mjs to write beside the kept ones
 *   binary    whether the package carries the binary
 *   home      the folder of models
 *   prepare   what is done to the folder before it is opened
 *   settings, env, trust: as in driver.mjs
 */
export async function openStage({
  large = [],
  binary = true,
  home = MODELS,
  settings = {},
  env = {},
  prepare = () => {},
  ...more
} = {}) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "lst-")); // short: the daemon's socket is in it
  const folder = workspace(path.join(root, "prompts"), large);
  prepare(folder);
  const runtime = path.join(root, "run");
  fs.mkdirSync(runtime, { mode: 0o700 });
  fs.mkdirSync(PICTURES, { recursive: true });
  const environment = {
    LIMPID_HOME: home,
    LIMPID_RUNTIME_DIR: runtime,
    LIMPID_OFFLINE: "1",
    LIMPID_IDLE_MINUTES: "5",
    ...env,
  };
  const vscode = await launch({ folder, vsix: [packaged({ binary })], settings, env: environment, ...more });
  return new Stage({ vscode, folder, root, runtime, environment });
}

class Stage {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Asks the shipped binary something, as a terminal would; what it prints. */
  limpid(...flags) {
    const exts = path.join(this.vscode.work, "exts");
    const own = fs.readdirSync(exts).find((name) => name.startsWith("limpid.limpid"));
    const shipped = path.join(exts, own ?? "", "bin/limpid");
    const binary = fs.existsSync(shipped) ? shipped : at("../../target/release/limpid");
    const env = { ...process.env, ...this.environment };
    return execFileSync(binary, flags, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** The daemon's process id, or undefined where none runs. */
  daemon() {
    try {
      return Number(/^daemon (\d+) of/m.exec(this.limpid("daemon", "status"))?.[1]) || undefined;
    } catch {
      return undefined;
    }
  }

  pictureFile(name) {
    return path.join(PICTURES, `${name}.png`);
  }

  /** Keeps a picture of the window. */
  picture(name) {
    return this.vscode.screenshot(this.pictureFile(name));
  }

  /** The same stage, seen through another window. */
  through(window) {
    return Object.assign(Object.create(Stage.prototype), this, { vscode: window });
  }

  /** The panel's document. */
  panel(options) {
    return this.vscode.webviewFrame(/Limpid/, options);
  }

  file(name) {
    return path.join(this.folder, name);
  }

  /** Closes every editor, whatever is unsaved in it. */
  async closeEditors() {
    const { vscode } = this;
    await vscode.runCommand("View: Close All Editors");
    const discard = vscode.page.getByRole("button", { name: "Don't Save" });
    await vscode.until("all closed", async () => {
      if (await discard.isVisible()) await discard.click();
      return (await vscode.page.locator(".tab").count()) === 0;
    });
  }

  /** As after opening the window: files and settings as they were, no file open. */
  async renew() {
    const { vscode } = this;
    if (await vscode.quick.isVisible()) await vscode.key("Escape");
    await clearNotifications(vscode);
    await this.closeEditors();
    workspace(this.folder);
    vscode.configure({});
    await vscode.reload();
  }

  async close() {
    try {
      await this.vscode.close();
    } finally {
      try {
        this.limpid("daemon", "stop");
      } catch {
        /* none ran */
      }
      if (!this.vscode.keep) fs.rmSync(this.root, { recursive: true, force: true });
    }
  }
}
