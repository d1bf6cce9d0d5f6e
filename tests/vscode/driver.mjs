// Starts a real VS Code for a test: code-server and Chromium, as tests/vscode/setup builds them. What its window can do: window.mjs.
//
//   const vscode = await launch({ folder, vsix: ["limpid.vsix"] });
//   try { await vscode.openFile("a.prompt", 1, 3); } finally { await vscode.close(); }
//
// One launch takes about ten seconds, so one serves many tests; `reload` between them only where it must be.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Window } from "./window.mjs";

const RIG = fileURLToPath(new URL("../.cache/vscode", import.meta.url));

/** Quiet, still, and no calls to the outside. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.reduceMotion": "on",
  "workbench.list.smoothScrolling": false,
  "workbench.editor.enablePreview": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "json.schemaDownload.enable": false,
  "npm.fetchOnlinePackageInfo": false,
  "typescript.disableAutomaticTypeAcquisition": true,
  "git.autofetch": false,
  "files.hotExit": "off",
  "editor.accessibilitySupport": "off",
  "editor.hover.delay": 100,
  "editor.inlayHints.enabled": "on",
  "editor.inlayHints.maximumLength": 0,
  "editor.minimap.enabled": false,
  "editor.wordWrap": "on",
  "editor.cursorBlinking": "solid",
};

const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  // Nothing but this machine resolves. Resources of webviews load all the same: a service worker answers for their made-up host
  // before anybody looks it up.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

function chromiumPath() {
  const folders = (process.env.PATH || "").split(":").filter(Boolean);
  const found = folders.map((folder) => path.join(folder, "chromium")).find((file) => fs.existsSync(file));
  if (!found) throw new Error("no chromium on PATH; tests/vscode/setup installs it");
  return found;
}

/** playwright's Chromium launcher, from the rig. */
export function chromium(rig = RIG) {
  const { chromium: browser } = createRequire(path.join(path.resolve(rig), "x.js"))("playwright-core");
  return {
    launch: (options = {}) =>
      browser.launch({
        executablePath: chromiumPath(),
        headless: true,
        args: CHROMIUM_ARGS,
        ...options,
      }),
  };
}

/** The environment of the server: nothing of a VS Code that this may run under, none of the user's own state folders. */
function serverEnvironment(folderFor, env) {
  const clean = { ...process.env };
  const foreign =
    /^(VSCODE_|CODE_SERVER_|CS_|LIMPID_)|^(PORT|PASSWORD|HASHED_PASSWORD|NODE_OPTIONS|ELECTRON_RUN_AS_NODE)$/;
  for (const name of Object.keys(clean)) if (foreign.test(name)) delete clean[name];
  for (const kind of ["CONFIG", "DATA", "STATE", "CACHE"]) {
    clean[`XDG_${kind}_HOME`] = folderFor(`xdg/${kind.toLowerCase()}`);
  }
  clean.EXTENSIONS_GALLERY = "{}"; // no marketplace
  return Object.assign(clean, env);
}

function install(common, vsix, env) {
  const flags = vsix.flatMap((file) => ["--install-extension", path.resolve(file)]);
  const said = execFileSync(process.execPath, [...common, ...flags], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  const done = (said.match(/was successfully installed/g) || []).length;
  if (done !== vsix.length) throw new Error(`installed ${done} of ${vsix.length} extensions:\n${said}`);
}

/** The server in a process group of its own, so that `end` ends everything below it by one id. */
function startServer(common, { env, cwd, work, trust }) {
  const flags = [
    "--bind-addr",
    "127.0.0.1:0",
    "--auth",
    "none",
    "--disable-telemetry",
    "--disable-update-check",
  ];
  flags.push("--disable-getting-started-override", "--ignore-last-opened");
  if (!trust) flags.push("--disable-workspace-trust");
  const server = spawn(process.execPath, [...common, ...flags], {
    env,
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Should this process be killed outright, the guard sees its input end and clears up.
  const watch =
    'process.stdin.resume().on("end", () => { try { process.kill(-process.argv[1], "SIGKILL"); } catch {} })';
  const guard = spawn(process.execPath, ["-e", watch, String(server.pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const end = () => {
    guard.kill("SIGKILL");
    try {
      process.kill(-server.pid, "SIGKILL");
    } catch {
      /* gone */
    }
  };
  process.on("exit", end);
  const log = fs.createWriteStream(path.join(work, "server.log"));
  const url = new Promise((resolve, reject) => {
    let said = "";
    const hear = (data) => {
      said += data;
      log.write(data);
      const listening = /HTTP server listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
      if (listening) resolve(listening[1]);
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.on("exit", (code) => reject(new Error(`code-server ended (${code}):\n${said}`)));
    setTimeout(() => reject(new Error(`code-server did not start:\n${said}`)), 60_000).unref();
  });
  return { server, end, url };
}

/**
 * Starts code-server and a browser, opens `folder`, waits until the workbench is up.
 *   rig       the folder that setup built
 *   folder    workspace folder to open
 *   vsix      .vsix files to install first
 *   settings  user settings on top of the quiet ones
 *   env       environment of the server, and so of extensions and their children
 *   trust     whether VS Code asks for a folder's trust; otherwise every folder is trusted
 *   keep      leave the work folder (logs, user data) in place at close()
 */
export async function launch({
  rig = RIG,
  folder,
  vsix = [],
  settings = {},
  env = {},
  trust = false,
  viewport = { width: 1400, height: 900 },
  timeout = 30_000,
  keep = false,
} = {}) {
  const entry = path.join(rig, "node_modules/code-server/out/node/entry.js");
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "lvs-")); // short: it holds sockets
  const folderFor = (name) => {
    const made = path.join(work, name);
    fs.mkdirSync(made, { recursive: true });
    return made;
  };
  const data = folderFor("data");
  const wanted = {
    ...SETTINGS,
    "security.workspace.trust.enabled": trust,
    ...settings,
  };
  fs.writeFileSync(path.join(folderFor("data/User"), "settings.json"), JSON.stringify(wanted, null, 1));
  fs.writeFileSync(path.join(work, "config.yaml"), "auth: none\n"); // an empty one is refused
  const common = [entry, "--config", path.join(work, "config.yaml"), "--user-data-dir", data];
  common.push("--extensions-dir", folderFor("exts"));
  const environment = serverEnvironment(folderFor, env);
  if (vsix.length) install(common, vsix, environment);

  const { server, end, url } = startServer(common, {
    env: environment,
    cwd: folder || work,
    work,
    trust,
  });
  let browser;
  try {
    const address = await url;
    browser = await chromium(rig).launch({
      env: { ...process.env, TMPDIR: folderFor("tmp") },
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false, // else SIGTERM would leave this process running
    });
    const page = await browser.newPage({ viewport, locale: "en-US" });
    page.setDefaultTimeout(timeout);
    const window = new Window({
      page,
      browser,
      server,
      work,
      data,
      url: address,
      folder,
      timeout,
      keep,
      end,
      settings: wanted,
    });
    await window.reload();
    return window;
  } catch (problem) {
    await browser?.close().catch(() => {});
    end();
    throw problem;
  }
}
