// Runs the sessions, or those named, in one VS Code; those that need a window of their own open it themselves.
//   node all.mjs [--keep-going] [SESSION...]
import { readdirSync } from "node:fs";
import { openStage } from "./stage.mjs";

const folder = new URL("sessions/", import.meta.url);
/** In this order: quick looks first, and what kills the daemon last. */
const ORDER = [
  "quiet_start",
  "journeys",
  "commands",
  "themes",
  "accessibility",
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
const failed = [];
async function run(name, session, stage) {
  const start = Date.now();
  try {
    await session.default(stage);
    console.log(`ok    ${name}: ${seconds(start)}`);
  } catch (problem) {
    failed.push(name);
    console.log(`FAIL  ${name}: ${seconds(start)}\n${problem.stack}`);
    await stage?.picture(`failed_${name}`).catch(() => {});
  }
}

const shared = sessions.filter(([, session]) => !session.opensItsOwn);
if (shared.length) {
  const start = Date.now();
  const stage = await openStage({ large: [...new Set(shared.flatMap(([, { large }]) => large ?? []))] });
  console.log(`VS Code is up: ${seconds(start)}`);
  try {
    for (const [at, [name, session]] of shared.entries()) {
      if (at > 0) await stage.renew();
      await run(name, session, stage);
    }
  } finally {
    await stage.close();
  }
}
for (const [name, session] of sessions.filter(([, { opensItsOwn }]) => opensItsOwn)) await run(name, session);

if (failed.length) {
  console.log(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
