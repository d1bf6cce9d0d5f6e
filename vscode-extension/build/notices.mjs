// Names and licence texts of what others wrote and we ship: the packages in the bundles, asked from esbuild, and the crates in the
// binary, asked from cargo. A package without a licence text is an error. Made while packaging, kept nowhere else.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const EXTENSION = fileURLToPath(new URL("..", import.meta.url));
const LICENCE_FILE = /^(licen[cs]e|copying|unlicense|notice|copyright)/i;

/** Rust's name for each platform of VS Code that a binary is built for. */
export const TRIPLES = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "darwin-x64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
  "win32-x64": "x86_64-pc-windows-msvc",
};

/** The licence texts in a folder, by file name. */
export function licenceTexts(folder) {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  return files.map((name) => readFileSync(path.join(folder, name), "utf8").replaceAll("\r\n", "\n").trim());
}

/** The folder of the package that a file belongs to: the nearest below a node_modules with a name and a version. */
function packageFolder(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, "utf8"));
      if (name && version) return folder;
    }
    if (path.basename(folder) === "node_modules") throw new Error(`${file} belongs to no package`);
  }
}

/** Packages that a bundle took code from. */
export function packagesOf(inputs, root = EXTENSION) {
  const folders = inputs
    .filter((input) => input.includes("node_modules/"))
    .map((input) => packageFolder(path.resolve(root, input)));
  return [...new Set(folders)].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const texts = licenceTexts(folder);
    if (!license || texts.length === 0) throw new Error(`${name} ${version} ships no licence text`);
    return { name, version, licence: license, texts };
  });
}

/** Inputs of the bundles that contribute code, as esbuild names them. */
async function bundled(entryPoints, more) {
  const { metafile } = await build({
    absWorkingDir: EXTENSION,
    entryPoints,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    outdir: "dist",
    logLevel: "error",
    ...more,
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([input]) => input),
  );
}

/** Packages in the extension and in the panel. */
export async function bundledPackages() {
  const node = { platform: "node", target: "node20", format: "cjs", external: ["vscode"] };
  const browser = { target: "es2022", format: "iife", jsx: "automatic", jsxImportSource: "preact" };
  const pages = ["webview/panel.tsx", "webview/report.tsx"].filter((file) =>
    existsSync(path.join(EXTENSION, file)),
  );
  return packagesOf([...(await bundled(["src/main.ts"], node)), ...(await bundled(pages, browser))]);
}

/** Crates in the binary for a platform: what `limpid-cli` depends on there, tests and build scripts' own left out. */
export function crates(target) {
  const flags = [
    "metadata",
    "--format-version",
    "1",
    "--locked",
    "--offline",
    "--filter-platform",
    TRIPLES[target],
  ];
  const said = execFileSync("cargo", flags, { cwd: path.join(EXTENSION, ".."), maxBuffer: 1 << 28 });
  const { packages, resolve, workspace_members: members } = JSON.parse(said);
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const known = new Map(packages.map((one) => [one.id, one]));
  const open = packages
    .filter(({ name, id }) => name === "limpid-cli" && members.includes(id))
    .map(({ id }) => id);
  const reached = new Set(open);
  while (open.length) {
    const { deps } = nodes.get(open.pop());
    const shipped = deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null));
    for (const { pkg } of shipped) {
      if (!reached.has(pkg)) open.push(pkg);
      reached.add(pkg);
    }
  }
  return [...reached]
    .filter((id) => !members.includes(id))
    .map((id) => {
      const { name, version, license, license_file: file, manifest_path: manifest } = known.get(id);
      if (!license && !file) throw new Error(`${name} ${version} names no licence`);
      return { name, version, licence: license ?? file, texts: licenceTexts(path.dirname(manifest)) };
    });
}

/** The notices as text: a list, then each licence text once with who is under it. */
export function notices(title, parts) {
  const order = (a, b) => a.name.localeCompare(b.name, "en") || a.version.localeCompare(b.version, "en");
  const sorted = [...parts].sort(order);
  const list = sorted.map(({ name, version, licence }) => `  ${name} ${version}: ${licence}`);
  const holders = new Map();
  for (const { name, version, texts } of sorted) {
    for (const text of texts) holders.set(text, [...(holders.get(text) ?? []), `${name} ${version}`]);
  }
  const rule = "=".repeat(80);
  const texts = [...holders].map(([text, names]) => `${rule}\n${names.join(", ")}\n${rule}\n\n${text}\n`);
  return [`${title}\n`, ...list, "", ...texts].join("\n");
}

/** Everything that a package must say: for the extension alone, or with the binary for a platform. */
export async function allNotices(target) {
  const own = notices("Packages in the extension and its panel.", await bundledPackages());
  return target ? `${own}\n${notices("Crates in the limpid binary.", crates(target))}` : own;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await allNotices(process.argv[2]));
}
