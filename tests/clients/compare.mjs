// The same analysis shows the same numbers, rounding, escapes and marks in the command line, VS Code, an HTML report and Neovim:
// `node compare.mjs LIMPID NVIM LIMPID_HOME`. Twice: for a real run, and for every example of protocol/fixtures/display.json.
// What must not live here: how a client shows them (command_line.mjs, pages.mjs, neovim.mjs).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "../vscode/driver.mjs";
import { commandLineFacts } from "./command_line.mjs";
import { differences } from "./facts.mjs";
import { formatExamples } from "./formats.mjs";
import { headKey, neovimFacts, neovimFormatFacts, neovimTookFacts } from "./neovim.mjs";
import { formatFacts, pageFacts, tookFact, vscodePage, withRecording } from "./pages.mjs";

const [binary, nvim, home] = process.argv.slice(2).map((argument) => path.resolve(argument));
const folder = mkdtempSync(path.join(os.tmpdir(), "limpid-clients-"));
const fixtures = path.join(import.meta.dirname, "../../protocol/fixtures");
const examples = JSON.parse(readFileSync(path.join(fixtures, "display.json"), "utf8"));

/** Line ends, a tab, a control, a byte that is no character, wide and joined characters, and two lines to compare. */
const PROMPT =
  "system\tSay\r\n  naïve 漢字 👩‍👩 \u001b[0m\n\nThe capital of France is Paris.\nThe capital of Spain is";

function limpid(args, input) {
  const env = { ...process.env, LIMPID_HOME: home, LIMPID_OFFLINE: "1" };
  return execFileSync(binary, args, { env, input, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** What the page holds. */
function recordingIn(html) {
  const [, json] = /\n<script type="application\/json" id="limpid-recorded">([^\n]*)<\/script>\n/.exec(html);
  return JSON.parse(json);
}

/** Puts the effects of heads and neurons, which a report does not measure, into what was recorded. */
function withEffects(recording, inspection) {
  const { view } = recording.answers.find(({ method }) => method === "limpid/attribution").result;
  const fill = (rows, known, isSame) => {
    for (const row of rows) {
      const { effect, disagreement } = known.find((other) => isSame(row, other)) ?? {};
      Object.assign(row, { effect: effect ?? null, disagreement: disagreement ?? null });
    }
  };
  fill(view.heads, inspection.heads, (a, b) => a.layer === b.layer && a.head === b.head);
  fill(view.neurons, inspection.neurons, (a, b) => a.layer === b.layer && a.neuron === b.neuron);
}

function written(name, value) {
  const file = path.join(folder, name);
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

/** A recording as the file itself, as an HTML report made of it, and as a page in the stand-in for VS Code. */
function forms(name, recording) {
  const file = written(`${name}.json`, recording);
  const html = path.join(folder, `${name}.html`);
  limpid(["report", file, "--out", html]);
  return { file, html, vscode: vscodePage(recording, folder, `${name}-vscode`) };
}

function check(what, clients) {
  const wrong = differences(clients);
  const [{ facts }] = clients;
  console.log(`${what}: ${facts.size} facts, ${Math.max(0, wrong.length - 1)} differ`);
  for (const line of wrong) console.log(`  ${line}`);
  return facts.size > 0 && wrong.length === 0;
}

async function realRun(page) {
  const prompt = written("odd.prompt", PROMPT);
  const flags = ["inspect", prompt, "--effects", "60"];
  const text = limpid([...flags, "--by", "line"]);
  const recording = recordingIn(limpid([...flags, "--format", "html"]));
  const inspection = JSON.parse(limpid([...flags, "--format", "json", "--by", "line"]));
  withEffects(recording, inspection);
  const { file, html, vscode } = forms("real", recording);
  const n_tokens = recording.answers[0].result.token_table.length;
  const isSame = check("a real run", [
    { name: "command line", facts: commandLineFacts(text) },
    { name: "VS Code", facts: await pageFacts(page, vscode) },
    { name: "HTML", facts: await pageFacts(page, html) },
    { name: "Neovim", facts: neovimFacts(nvim, folder, file, { n_tokens }) },
  ]);
  return { recording, areSame: [isSame, routes(inspection, limpid(["inspect", prompt, "--format", "dot"]))] };
}

/** The graph that the plugin exports is the command line's, letter for letter. */
function routes(inspection, expected) {
  const script = path.join(import.meta.dirname, "dot.lua");
  const args = ["-l", script, written("inspection.json", inspection)];
  const exported = execFileSync(nvim, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  const [is, should] = [exported.split("\n"), expected.split("\n")];
  const at = should.findIndex((line, index) => line !== is[index]);
  console.log(`the routes as DOT: ${should.length} lines${at < 0 ? ", 0 differ" : ""}`);
  if (at >= 0) console.log(`  line ${at + 1}: command line \`${should[at]}\`, Neovim \`${is[at]}\``);
  return exported === expected;
}

async function formats(page, recording) {
  const [rust, vscode, html, neovim] = [new Map(), new Map(), new Map(), new Map()];
  for (const [at, { made, facts }] of formatExamples(recording, examples, headKey).entries()) {
    const shown = forms(`formats-${at}`, made);
    const add = (all, some) => some.forEach((value, key) => all.set(`page ${at} ${key}`, value));
    add(rust, facts);
    add(vscode, await formatFacts(page, shown.vscode));
    add(html, await formatFacts(page, shown.html));
    add(neovim, neovimFormatFacts(nvim, folder, shown.file));
  }
  return check("every example of display.json", [
    { name: "Rust", facts: rust },
    { name: "VS Code", facts: vscode },
    { name: "HTML", facts: html },
    { name: "Neovim", facts: neovim },
  ]);
}

/** Durations: one on a page. */
async function durations(page, recording) {
  const wanted = examples.filter(({ format }) => format === "duration");
  const [rust, vscode, html, files] = [new Map(), new Map(), new Map(), []];
  const report = path.join(folder, "formats-0.html");
  for (const { input, output } of wanted) {
    const key = `${input} ms`;
    const own = { ...recording, run: { ...recording.run, took_ms: input } };
    rust.set(key, output);
    vscode.set(key, await tookFact(page, vscodePage(own, folder, "took")));
    html.set(key, await tookFact(page, withRecording(report, own)));
    files.push(written(`took-${files.length}.json`, own));
  }
  const took = neovimTookFacts(nvim, folder, files);
  return check("every duration of display.json", [
    { name: "Rust", facts: rust },
    { name: "VS Code", facts: vscode },
    { name: "HTML", facts: html },
    { name: "Neovim", facts: new Map(wanted.map(({ input }, at) => [`${input} ms`, took[at]])) },
  ]);
}

const browser = await chromium().launch();
try {
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
  const { recording, areSame } = await realRun(page);
  const small = { ...recording, answers: recording.answers.slice(0, 2) };
  areSame.push(await formats(page, small), await durations(page, small));
  process.exitCode = areSame.every(Boolean) ? 0 : 1;
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
