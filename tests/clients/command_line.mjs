// What the command line shows: `limpid inspect` as text, read back into facts.
// What must not live here: other clients, comparing.
import { unmeasured } from "./facts.mjs";

/** Lines of a section: from the heading that starts with this word to the next empty line. */
function section(text, heading) {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(heading));
  if (start < 0) throw new Error(`the command line shows no section ${heading}`);
  const length = lines.slice(start).findIndex((line) => line === "");
  return lines.slice(start + 1, length < 0 ? undefined : start + length);
}

/** Facts of each line of a section by what the groups of a pattern are called; a line that does not fit fails. */
function read(text, heading, pattern, keyOf) {
  const facts = [];
  for (const line of section(text, heading)) {
    const groups = pattern.exec(line)?.groups;
    if (!groups) throw new Error(`the command line's ${heading}: \`${line}\` is not understood`);
    const { key, differs, ...numbers } = groups;
    if (differs) numbers.effect += differs;
    for (const [name, value] of Object.entries(numbers)) {
      if (value !== undefined) facts.push([`${keyOf(key, facts.length)} ${name}`, value.trim()]);
    }
  }
  return facts;
}

const PREDICTION = /^ {2}(?<token>.*?) +(?<probability>\S+ %) +(?<logit>\S+)(?: [ █▏▎▍▌▋▊▉]*)?$/u;
const TOKEN =
  /^ *(?<key>\d+) (?<display>.*?) +(?:first|(?<rank>#[\d,]+) (?<probability>\S+ %)) +(?<flow>\S+ %) +(?:itself|~?(?<attribution>\S+)).*$/u;
const PART =
  /^ *(?<key>\d+) [ █▏▎▍▌▋▊▉]*\S+ % +(?<flow>\S+ %) +~?(?<attribution>\S+)(?<differs> ≠)? +(?<effect>\S+) {2}(?<sink>▒)?.*$/u;
const HEAD =
  /^ {2}(?<key>L\d+H\d+) +~?(?<attribution>\S+)(?<differs> ≠)? +(?<effect>\S+) +(?<flow>\S+ %) +\+ (?<writes>.*?) {2}− .*$/u;
const NEURON =
  /^ {2}(?<key>L\d+N\d+) +~?(?<attribution>\S+)(?<differs> ≠)? +(?<effect>\S+) +(?<flow>\S+ %) .*? \+ (?<writes>.*?) {2}− .*$/u;

export function commandLineFacts(text) {
  const facts = [
    // Three facts a line.
    ...read(text, "predicts", PREDICTION, (_, n_facts) => `prediction ${Math.floor(n_facts / 3) + 1}`),
    ...read(text, "tokens", TOKEN, (key) => `token ${key}`),
    ...read(text, "by line", PART, (key) => `line ${key}`),
    ...read(text, "heads", HEAD, (key) => `head ${key}`),
    ...read(text, "neurons", NEURON, (key) => `neuron ${key.replace("N", " N")}`),
  ];
  // Of the part that holds the first token the command line says what it has with it, the panels what it has without.
  const sinks = facts.filter(([key]) => key.endsWith(" sink")).map(([key]) => key.replace("sink", ""));
  const kept = facts.filter(([key]) => !sinks.some((sink) => key.startsWith(sink)));
  return new Map(kept.map(([key, value]) => [key, unmeasured(value)]));
}
