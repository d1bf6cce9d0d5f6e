// `npm run package`: dist/limpid-<version>.vsix, which looks for `limpid` on PATH, and dist/limpid-<platform>-<version>.vsix, which
// carries the binary. What goes in stands in SHIPPED; it is laid out in dist/staged, so nothing else can slip in.
//   --binary PATH    the binary (default: ../target/release/limpid, where there is one)
//   --target NAME    the platform it is for, as VS Code names it (default: this one)
//   --no-build       takes dist/ as it is
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { allNotices, TRIPLES } from "./notices.mjs";

const EXTENSION = fileURLToPath(new URL("..", import.meta.url));
const STAGED = path.join(EXTENSION, "dist/staged");

/** Files and folders of the package, from where to where; those with `optional` may be absent. */
const SHIPPED = [
  ["dist/main.js", "dist/main.js"],
  ["dist/client.js", "dist/client.js"],
  ["dist/panel.js", "dist/panel.js"],
  ["dist/panel.css", "dist/panel.css"],
  ["dist/report.html", "dist/report.html", "optional"],
  ["media", "media"],
  ["languages", "languages", "optional"],
  ["README.md", "README.md"],
  ["CHANGELOG.md", "CHANGELOG.md"],
  ["../LICENSE-MIT", "LICENSE-MIT.txt"],
  ["../LICENSE-APACHE", "LICENSE-APACHE.txt"],
];

/** Sources of pictures, which nobody needs who has the pictures. */
const KEPT_HOME = [path.join(EXTENSION, "media/icon.svg")];

const size = (bytes) =>
  bytes < 1 << 20 ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;

/** Runs a script of package.json; where it fails it has said why. */
function run(script, ...flags) {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const shell = process.platform === "win32";
  const { status } = spawnSync(npm, ["run", "--silent", script, ...flags], {
    cwd: EXTENSION,
    stdio: "inherit",
    shell,
  });
  if (status !== 0) process.exit(1);
}

function stage() {
  rmSync(STAGED, { recursive: true, force: true });
  for (const [from, to, optional] of SHIPPED) {
    const source = path.join(EXTENSION, from);
    if (!existsSync(source)) {
      if (optional) continue;
      throw new Error(`${from} is missing`);
    }
    mkdirSync(path.dirname(path.join(STAGED, to)), { recursive: true });
    cpSync(source, path.join(STAGED, to), { recursive: true, filter: (file) => !KEPT_HOME.includes(file) });
  }
  inlinePictures(path.join(STAGED, "README.md"));
  // The manifest without what only builds it.
  const manifest = JSON.parse(readFileSync(path.join(EXTENSION, "package.json"), "utf8"));
  for (const key of ["private", "scripts", "dependencies", "devDependencies", "type"]) delete manifest[key];
  writeFileSync(path.join(STAGED, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(
    path.join(STAGED, "LICENSE.txt"),
    "MIT or Apache-2.0, at your choice: LICENSE-MIT.txt, LICENSE-APACHE.txt. What others wrote: ThirdPartyNotices.txt.\n",
  );
  writeFileSync(path.join(STAGED, ".vscodeignore"), "# Everything staged is shipped.\n");
  return manifest.version;
}

/** Pictures of the README go into it: VS Code shows it without the files beside it. They are shipped once. */
function inlinePictures(readme) {
  const folder = path.dirname(readme);
  const inlined = new Set();
  const text = readFileSync(readme, "utf8").replace(
    /(!\[[^\]]*\]\()(media\/[^)]+\.png)\)/g,
    (_, before, file) => {
      inlined.add(file);
      return `${before}data:image/png;base64,${readFileSync(path.join(folder, file)).toString("base64")})`;
    },
  );
  writeFileSync(readme, text);
  for (const file of inlined) rmSync(path.join(folder, file));
}

/** Copies the binary without its debug information. */
function stageBinary(binary, target) {
  const to = path.join(STAGED, "bin", target.startsWith("win32") ? "limpid.exe" : "limpid");
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(binary, to);
  chmodSync(to, 0o755);
  try {
    execFileSync("strip", ["-S", to], { stdio: "pipe" });
  } catch (problem) {
    console.log(`the binary keeps its debug information: ${String(problem.message).split("\n")[0]}`);
  }
  console.log(`${path.basename(to)}: ${size(statSync(binary).size)}, as shipped ${size(statSync(to).size)}`);
}

/** Packs what is staged. */
async function pack(version, target) {
  writeFileSync(path.join(STAGED, "ThirdPartyNotices.txt"), await allNotices(target));
  const vsix = path.join(EXTENSION, "dist", `limpid-${target ? `${target}-` : ""}${version}.vsix`);
  const flags = [
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--no-rewrite-relative-links",
    "-o",
    vsix,
  ];
  if (target) flags.push("--target", target);
  const vsce = path.join(EXTENSION, "node_modules/@vscode/vsce/vsce");
  execFileSync(process.execPath, [vsce, ...flags], { cwd: STAGED, stdio: ["ignore", "pipe", "inherit"] });
  console.log(`${path.relative(EXTENSION, vsix)}: ${size(statSync(vsix).size)}`);
}

const { values } = parseArgs({
  options: {
    binary: { type: "string" },
    target: { type: "string", default: `${process.platform}-${process.arch}` },
    "no-build": { type: "boolean", default: false },
  },
});
if (!values["no-build"]) run("build");
run("generate", "--", "--check");
const version = stage();
await pack(version);
const usual = path.join(
  EXTENSION,
  "../target/release",
  process.platform === "win32" ? "limpid.exe" : "limpid",
);
const binary = values.binary ? path.resolve(values.binary) : usual;
if (values.binary || existsSync(usual)) {
  if (!(values.target in TRIPLES)) throw new Error(`no binary is built for ${values.target}`);
  stageBinary(binary, values.target);
  await pack(version, values.target);
}
rmSync(STAGED, { recursive: true });
