// Runs the sessions, or those named, in one VS Code; those that need a window of their own open it themselves.
//   node all.mjs [SESSION...]
import { readdirSync } from "node:fs";
import { openStage } from "./stage.mjs";

const folder = new URL("sessions/", import.meta.url);
/** In this order: those that begin with an empty panel first, and what kills the daemon last. */
const ORDER = [
  "quiet_start",
  "accessibility",
  "themes",
  "journeys",
  "commands",
  "latency",
  "bad_input",
  "restricted",
];

const asked = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const there = readdirSync(folder).map((file) => file.replace(/\.mjs$/, ""));
const names = ORDER.filter((name) => there.includes(name) && (asked.length === 0 || asked.includes(name)));
const strangers = [...asked, ...there].filter((name) => !ORDER.includes(name));
if (strangers.length) throw new Error(`no session, or one without a place: ${strangers}`);

const sessions = [];
for (const name of names) sessions.push([name, await import(new URL(`${name}.mjs`, folder))]);

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`;

/** Runs a session in a stage, as it was opened or made as new; what went wrong, or undefined. */
async function tried(name, session, stage, isUsed = false) {
  try {
    if (isUsed) await stage.renew();
    await session.default(stage);
    return undefined;
  } catch (problem) {
    await stage?.picture(`failed_${name}`).catch(() => {});
    return problem;
  }
}

/** Once more from nothing: a window, a daemon and a folder of its own. */
async function again(name, session) {
  if (session.opensItsOwn) return await tried(name, session);
  const stage = await openStage({ large: session.large });
  try {
    return await tried(name, session, stage);
  } finally {
    await stage.close();
  }
}

const failed = [];
/** A machine may stumble once, so only what fails twice has failed; both are said. */
async function run(name, session, stage, isUsed) {
  const start = Date.now();
  const first = await tried(name, session, stage, isUsed);
  if (!first) return console.log(`ok    ${name}: ${seconds(start)}`);
  console.log(`FAIL  ${name}, once: ${seconds(start)}\n${first.stack}`);
  const restart = Date.now();
  const second = await again(name, session);
  if (!second) return console.log(`ok    ${name}, again: ${seconds(restart)}`);
  failed.push(name);
  console.log(`FAIL  ${name}, again: ${seconds(restart)}\n${second.stack}`);
}

const shared = sessions.filter(([, session]) => !session.opensItsOwn);
if (shared.length) {
  const start = Date.now();
  const stage = await openStage({ large: [...new Set(shared.flatMap(([, { large }]) => large ?? []))] });
  console.log(`VS Code is up: ${seconds(start)}`);
  try {
    for (const [at, [name, session]] of shared.entries()) await run(name, session, stage, at > 0);
  } finally {
    await stage.close();
  }
}
for (const [name, session] of sessions.filter(([, { opensItsOwn }]) => opensItsOwn)) await run(name, session);

if (failed.length) {
  console.log(`failed twice: ${failed.join(", ")}`);
  process.exitCode = 1;
}
