// Finds the `limpid` binary and makes sure that it is one, and of this version. What must not live here: starting the server.
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { settings } from "./settings";

/** Why there is no binary to start, with a way out. */
export class BinaryProblem extends Error {
  constructor(
    readonly kind: "no-binary" | "wrong-version" | "not-limpid",
    message: string,
  ) {
    super(message);
  }
}

export interface Binary {
  path: string;
  version: string;
}

const NAME = process.platform === "win32" ? "limpid.exe" : "limpid";
/** A binary that does not say its version in this time is not ours. */
const PATIENCE_MS = 10_000;

/** Where to look, in order: the setting, beside the extension, the PATH. */
export function candidates(extension: string, set: string, searched: string): string[] {
  if (set) return [set.replace(/^~(?=$|\/|\\)/, process.env["HOME"] ?? process.env["USERPROFILE"] ?? "~")];
  const folders = searched.split(path.delimiter).filter((folder) => folder !== "");
  return [path.join(extension, "bin", NAME), ...folders.map((folder) => path.join(folder, NAME))];
}

function isFile(at: string): boolean {
  try {
    return fs.statSync(at).isFile();
  } catch {
    return false;
  }
}

function versionOf(at: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(at, ["--version"], { timeout: PATIENCE_MS, windowsHide: true }, (error, stdout) => {
      if (error) reject(new Error(error.message.split("\n")[0]));
      else resolve(stdout);
    });
  });
}

/** Versions whose protocol is ours: same major and minor while the major is 0. */
export function isCompatible(version: string, ours: string): boolean {
  const [major, minor] = version.split(".");
  const [ourMajor, ourMinor] = ours.split(".");
  return major === ourMajor && (major !== "0" || minor === ourMinor);
}

/** The binary to start. */
export async function findBinary(context: vscode.ExtensionContext): Promise<Binary> {
  const set = settings.path();
  const found = candidates(context.extensionPath, set, process.env["PATH"] ?? "").find(isFile);
  if (found === undefined) {
    const looked = set
      ? `\`limpid.path\` names ${set}, where there is no file`
      : "there is no `limpid` beside the extension or on PATH";
    throw new BinaryProblem("no-binary", `${looked}. Choose the binary, or build one (README).`);
  }
  let said: string;
  try {
    said = await versionOf(found);
  } catch (error) {
    throw new BinaryProblem(
      "not-limpid",
      `${found} does not start: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const version = /^limpid (\d+\.\d+\.\d+\S*)/.exec(said)?.[1];
  if (version === undefined) {
    throw new BinaryProblem("not-limpid", `${found} is not Limpid: it does not say its version.`);
  }
  const ours = (context.extension.packageJSON as { version: string }).version;
  if (!isCompatible(version, ours)) {
    throw new BinaryProblem(
      "wrong-version",
      `${found} is Limpid ${version}; this extension needs ${ours}. Choose another binary, or install the extension that fits.`,
    );
  }
  return { path: found, version };
}
