// What the panel shows in VS Code and in an HTML report, both as they are shipped, drawn by Chromium.
// What must not live here: other clients, comparing.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { unmeasured } from "./facts.mjs";

const repository = path.dirname(path.dirname(import.meta.dirname));
const extension = path.join(repository, "vscode-extension");

/** A page with the panel that the extension ships, in a stand-in for VS Code that answers from a recording. */
export function vscodePage(recording, folder, name) {
  const recorded = JSON.stringify(recording).replaceAll("<", "\\u003c");
  const at = (file) => pathToFileURL(path.join(extension, file)).href;
  const html = [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Limpid</title>`,
    `<link rel="stylesheet" href="${at("dist/panel.css")}"></head><body class="vscode-dark">`,
    `<script type="application/json" id="stand-in-recorded">${recorded}</script>`,
    `<script src="${at("test/panel_page/stand_in.js")}"></script><script src="${at("dist/panel.js")}"></script></body></html>`,
  ].join("\n");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.html`);
  writeFileSync(file, html);
  return file;
}

/** A report with another recording in it. */
export function withRecording(report, recording) {
  const html = readFileSync(report, "utf8");
  const json = JSON.stringify(recording).replaceAll("<", "\\u003c");
  const file = report.replace(/\.html$/, "-other.html");
  const place = /(\n<script type="application\/json" id="limpid-recorded">)[^\n]*(<\/script>\n)/;
  writeFileSync(
    file,
    html.replace(place, (_, before, after) => before + json + after),
  );
  return file;
}

async function opened(page, file) {
  const errors = [];
  page.removeAllListeners("pageerror");
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector(".prediction-row");
  if (errors.length > 0) throw new Error(`${file}: ${errors.join("; ")}`);
}

async function unfold(page, title) {
  const heading = page.getByRole("button", { name: title, exact: true }).first();
  if ((await heading.getAttribute("aria-expanded")) !== "true")
    await heading.evaluate((button) => button.click());
}

async function choose(page, label, title) {
  await page.evaluate(
    ([group, name]) => {
      const labels = [...document.querySelectorAll(`[aria-label="${group}"] label`)];
      labels
        .find((each) => each.textContent.trim() === name)
        .querySelector("input")
        .click();
    },
    [label, title],
  );
}

/** Presses every `show all` and `more` there is. */
async function showAll(page) {
  await page.evaluate(() => {
    for (const button of document.querySelectorAll("button")) {
      if (/^(show all|\d+ more$)/.test(button.textContent)) button.click();
    }
  });
  await page.waitForTimeout(50);
}

async function predictions(page) {
  const rows = await page.evaluate(() =>
    [...document.querySelectorAll(".prediction-row")].map((row) => ({
      token: row.querySelector(".token").textContent,
      probability: row.querySelector(".number").textContent,
      title: row.querySelector("[title]").title.split("\n")[0],
    })),
  );
  return rows.flatMap(({ token, probability, title }, at) => {
    const [, shown, logit] = /^.* {2}(\S+ %), logit (\S+)$/su.exec(title) ?? [];
    if (shown !== probability)
      throw new Error(`prediction ${at + 1}: ${probability}, but its hover says ${title}`);
    const key = `prediction ${at + 1}`;
    return [
      [`${key} token`, token],
      [`${key} probability`, probability],
      [`${key} logit`, logit],
    ];
  });
}

/** Rows of a table: the name in its first named column, and the numbers of others. */
async function table(page, label, keyOf) {
  await page.waitForSelector(`table[aria-label="${label}"] tbody tr`);
  await showAll(page);
  const rows = await page.evaluate((name) => {
    const body = document.querySelector(`table[aria-label="${name}"] tbody`);
    const text = (row, column) => row.querySelector(`.column-${column}`);
    return [...body.querySelectorAll("tr")].map((row) => ({
      name: (text(row, "place") ?? row.querySelector("td")).textContent.trim(),
      flow: (text(row, "flow").querySelector(".number") ?? text(row, "flow")).textContent,
      attribution: text(row, "attribution").textContent,
      effect: text(row, "effect").querySelector(".figure")?.textContent ?? "",
      writes: [...row.querySelectorAll(".column-promotes .token")]
        .map((token) => token.textContent)
        .join(" "),
    }));
  }, label);
  return rows.flatMap(({ name, ...numbers }) =>
    Object.entries(numbers).map(([column, value]) => [
      `${keyOf(name)} ${column}`,
      // An estimate in the effect's place is not an effect.
      unmeasured(column === "effect" && value.startsWith("~") ? "" : value),
    ]),
  );
}

async function tokens(page) {
  const facts = [];
  const titles = await page.evaluate(() =>
    [...document.querySelectorAll(".strip-token")].map((token) => token.title),
  );
  for (const [at, title] of titles.entries()) {
    const [, display, index] = /^(.*) {2}token (\d+)\n/su.exec(title);
    facts.push([`token ${index} display`, display]);
    for (const [name, pattern] of [
      ["flow", /flow (\S+ %)/u],
      ["attribution", /attribution ~(\S+?)(?:,|\n|$)/u],
    ]) {
      const [, value] = pattern.exec(title.slice(display.length)) ?? [];
      if (value !== undefined) facts.push([`token ${index} ${name}`, value]);
    }
    await page.evaluate((place) => document.querySelectorAll(".strip-token")[place].click(), at);
    await page.waitForFunction(
      (place) => document.querySelector(".inspected b")?.textContent === `token ${place}`,
      at,
    );
    const sentence = await page.evaluate(() =>
      [...document.querySelectorAll(".sentence")].map((each) => each.textContent).join("\n"),
    );
    const said = /itself predicted at (\S+ %) \((#[\d,]+),/u.exec(sentence);
    if (said) facts.push([`token ${index} probability`, said[1]], [`token ${index} rank`, said[2]]);
  }
  return facts;
}

/** What is shown of a real run. */
export async function pageFacts(page, file) {
  await opened(page, file);
  await showAll(page);
  const facts = await predictions(page);
  await unfold(page, "By part");
  await page.waitForSelector('[aria-label="Cut into"]');
  await choose(page, "Cut into", "lines");
  facts.push(...(await table(page, "Parts by line", (name) => `line ${name}`)));
  await unfold(page, "Heads and neurons");
  facts.push(...(await table(page, "Heads", (name) => `head ${name}`)));
  await choose(page, "Ranked", "neurons");
  facts.push(...(await table(page, "Neurons", (name) => `neuron ${name}`)));
  facts.push(...(await tokens(page)));
  return new Map(facts);
}

/** What is shown of made-up numbers: predictions and heads, each on a row of its own. */
export async function formatFacts(page, file) {
  await opened(page, file);
  await showAll(page);
  const facts = await predictions(page);
  await unfold(page, "Heads and neurons");
  facts.push(...(await table(page, "Heads", (name) => `head ${name}`)));
  return new Map(facts);
}

/** How long it is said to have taken. */
export async function tookFact(page, file) {
  await opened(page, file);
  const note = await page.evaluate(() => document.querySelector(".section.prediction .note").textContent);
  return /^traced \S+ tokens in (.*)$/u.exec(note)?.[1];
}
