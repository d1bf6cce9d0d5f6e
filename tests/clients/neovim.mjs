// What the Neovim plugin shows: the pages that its views draw, in a real Neovim, read back into facts.
// What must not live here: other clients, comparing, drawing (neovim.lua).
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { unmeasured } from "./facts.mjs";

const script = path.join(import.meta.dirname, "neovim.lua");

/** Lines of each page that is asked for. */
function drawn(nvim, folder, asked) {
  const file = path.join(folder, "asked.json");
  writeFileSync(file, JSON.stringify(asked));
  const out = execFileSync(nvim, ["-l", script, file], { encoding: "utf8", maxBuffer: 1 << 28 });
  return JSON.parse(out);
}

const of = (lines, kind) => lines.filter(({ about }) => about?.kind === kind);

const PREDICTION =
  /^ {3}(?<token>.*?) {2,}(?:[█▏▎▍▌▋▊▉]+ +)?(?<probability>\S+ %) +(?<logit>\S+)(?: {2}\S+)? *$/u;

function predictionFacts(lines) {
  return of(lines, "prediction").flatMap(({ text }, at) => {
    const groups = PREDICTION.exec(text)?.groups;
    if (!groups) throw new Error(`Neovim's predictions: \`${text}\` is not understood`);
    return Object.entries(groups).map(([name, value]) => [`prediction ${at + 1} ${name}`, value]);
  });
}

/** Names of a table's columns, from the line of titles. */
function titled(lines, first) {
  const titles = lines.find(({ text }) => text.includes("attr. ~") && text.trimStart().startsWith(first));
  if (!titles) throw new Error(`Neovim shows no table of ${first}s`);
  return titles.grid;
}

/** The number under a heading: the cell that ends where the heading does. */
function under(line, titles, title) {
  const end = titles.indexOf(title) + title.length;
  const text = Array.from(line.grid);
  let right = end;
  while (right < text.length && text[right] !== " ") right++;
  const [, cell] = /(\S+(?: %| ≠)?) *$/u.exec(text.slice(0, right).join("")) ?? [];
  return unmeasured(cell ?? "");
}

/** What stands behind the bar around the middle line: the tokens whose logits it raises. */
function written(line) {
  const [, ...behind] = line.text.split("│");
  return behind.join("│").replace(/^[ ░▒▓█▉▊▋▌▍▎▏▐▕]*/u, "");
}

function rankedFacts(lines, kind, keyOf) {
  const titles = titled(lines, kind);
  return of(lines, kind).flatMap((line) => {
    const key = keyOf(line.about);
    return [
      [`${key} flow`, under(line, titles, "flow")],
      [`${key} attribution`, under(line, titles, "attr. ~")],
      [`${key} effect`, under(line, titles, "effect")],
      [`${key} writes`, written(line)],
    ];
  });
}

function partFacts(lines) {
  const titles = titled(lines, "line");
  return of(lines, "part").flatMap((line, at) =>
    ["flow", "attribution", "effect"].map((name) => [
      `line ${at + 1} ${name}`,
      under(line, titles, name === "attribution" ? "attr. ~" : name),
    ]),
  );
}

/** A token's card. */
function tokenFacts(lines, position) {
  const text = lines.map((line) => line.text).join("\n");
  const found = {
    display: / token \d+ {2}(.*?) *\n/u.exec(text),
    flow: / {3}flow (\S+ %)/u.exec(text),
    attribution: /(?:estimated|attribution) ~(\S+)/u.exec(text),
    probability: /itself predicted at (\S+ %)/u.exec(text),
    rank: /itself predicted at \S+ % \((#[\d,]+),/u.exec(text),
  };
  return Object.entries(found)
    .filter(([, match]) => match !== null)
    .map(([name, [, value]]) => [`token ${position} ${name}`, value]);
}

export const headKey = ({ layer, head }) => `head L${layer}H${head}`;
const neuronKey = ({ layer, neuron }) => `neuron L${layer} N${neuron}`;

/** What is shown of a real run. */
export function neovimFacts(nvim, folder, recording, { n_tokens }) {
  const page = (view, context = {}) => ({ recording, view, context: { none: null, ...context } });
  const pages = drawn(nvim, folder, [
    page("prediction"),
    page("parts"),
    page("components", { ranking: "heads" }),
    page("components", { ranking: "neurons" }),
    ...Array.from({ length: n_tokens }, (_, position) => page("token", { position })),
  ]);
  const [prediction, parts, heads, neurons, ...tokens] = pages;
  return new Map([
    ...predictionFacts(prediction),
    ...partFacts(parts),
    ...rankedFacts(heads, "head", headKey),
    ...rankedFacts(neurons, "neuron", neuronKey),
    ...tokens.flatMap(tokenFacts),
  ]);
}

/** What is shown of made-up numbers. */
export function neovimFormatFacts(nvim, folder, recording) {
  const [prediction, heads] = drawn(nvim, folder, [
    { recording, view: "prediction", context: { none: null } },
    { recording, view: "components", context: { ranking: "heads" } },
  ]);
  return new Map([...predictionFacts(prediction), ...rankedFacts(heads, "head", headKey)]);
}

/** How long each recording is said to have taken. */
export function neovimTookFacts(nvim, folder, recordings) {
  const asked = recordings.map((recording) => ({ recording, view: "header", context: { none: null } }));
  return drawn(nvim, folder, asked).map((lines) => {
    const line = lines.find(({ text }) => text.includes("traced ")).text;
    return /traced \S+ tokens in (\S+ m?s)\b/u.exec(line)?.[1];
  });
}
