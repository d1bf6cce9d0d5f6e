// Measures the drawings in a browser: what a frame costs while the slider is dragged through its whole range, pan and zoom, the first
// picture after data, elements in the document, and what axe-core finds.
// What must not live here: pictures (look.mjs), recording (record.mjs).
//
// usage: node measure.mjs [DATA_FOLDER] [BUDGET_MS]; exits 1 where a budget is broken.
//
// How a frame is measured: from the browser's own trace, in processor time of the page's main thread, so that other programs' load does
// not count. A frame is one `ProxyMain::BeginMainFrame` in which the canvas was painted (animation callbacks, style, layout, paint,
// commit) and the input events since the one before. Where there is no GPU, as here, the canvas is rasterised on that thread as well, in
// `LayerTreeHost::DoUpdateLayers`: told apart as `raster`, and counted. The harness's own evaluations are not.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { browser, serve } from "./serve.mjs";

const [data = "", budgetText = "16.7"] = process.argv.slice(2);
const BUDGET = Number(budgetText);
const ELEMENTS = 3000;
const FIRST_PICTURE = 500;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function traced(page, work) {
  const client = await page.context().newCDPSession(page);
  const events = [];
  client.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const categories = [
    "toplevel",
    "devtools.timeline",
    "blink.user_timing",
    "cc",
    "disabled-by-default-devtools.timeline",
  ];
  await client.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: categories },
  });
  await work();
  const done = new Promise((resolve) => client.once("Tracing.tracingComplete", resolve));
  await client.send("Tracing.end");
  await done;
  await client.detach();
  return events;
}

/** Busy milliseconds of each frame in which the canvas was painted: all of it, and of that rasterising. */
function framesOf(events) {
  const painted = events.filter(({ name, ph }) => name === "limpid-paint" && ph === "b");
  const main = painted[0];
  const own = events.filter(({ ph, pid, tid }) => ph === "X" && pid === main?.pid && tid === main?.tid);
  const named = (wanted) => own.filter(({ name }) => name === wanted).sort((a, b) => a.ts - b.ts);
  const frames = named("ProxyMain::BeginMainFrame").filter(({ ts, dur }) =>
    painted.some((paint) => paint.ts >= ts && paint.ts <= ts + dur),
  );
  const inputs = named("EventDispatch");
  const rasters = named("LayerTreeHost::DoUpdateLayers");
  const sum = (of, from, to) =>
    of.filter(({ ts }) => ts >= from && ts < to).reduce((all, { tdur }) => all + tdur / 1000, 0);
  const raster = frames.map(({ ts, dur }) => sum(rasters, ts, ts + dur));
  const busy = frames.map(({ ts, tdur }, at) => tdur / 1000 + sum(inputs, frames[at - 1]?.ts ?? 0, ts));
  return { busy, raster };
}

const frame = "new Promise((done) => requestAnimationFrame(() => done()))";

async function drag(page) {
  const box = await page.locator("input[type=range]").boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width - 4, y);
  await page.mouse.down();
  for (const way of [-1, 1])
    for (let step = 0; step <= 90; step++) {
      const share = way < 0 ? 1 - step / 90 : step / 90;
      await page.mouse.move(box.x + 4 + (box.width - 8) * share, y);
      await page.evaluate(frame);
    }
  await page.mouse.up();
}

async function zoomAndPan(page) {
  const box = await page.locator(".limpid-stage").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (let step = 0; step < 30; step++) {
    await page.mouse.wheel(0, step < 15 ? -60 : 60);
    await page.evaluate(frame);
  }
  await page.mouse.down();
  for (let step = 0; step < 60; step++) {
    await page.mouse.move(box.x + box.width / 2 + 4 * step, box.y + box.height / 2 + step);
    await page.evaluate(frame);
  }
  await page.mouse.up();
}

const { address, stop } = await serve(data);
const chromium = await browser();
const problems = [];
const rows = [];
const pages = [
  ["routes, 256 x 30", "view=routes&data=synthetic:256", true],
  ["routes, 1,024 x 30", "view=routes&data=synthetic:1024", false],
  ...(data ? [["routes, a story of 108 tokens", "view=routes&data=story", true]] : []),
];
for (const [name, query, hasBudget] of pages) {
  const page = await chromium.newPage({ viewport: { width: 1400, height: 900 } });
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(`${address}?${query}`);
  await page.waitForFunction(() => performance.getEntriesByName("limpid-paint").length > 0);
  const first = await page.evaluate(() => {
    const painted = performance.getEntriesByName("limpid-paint")[0];
    return painted.startTime + painted.duration - performance.getEntriesByName("limpid-data")[0].startTime;
  });
  await page.waitForTimeout(300);
  for (const [gesture, work] of [
    ["slider", drag],
    ["zoom, pan", zoomAndPan],
  ]) {
    // The quietest of three rounds: what other programs take from caches and cores is not ours.
    let best = null;
    for (let round = 0; round < 3; round++) {
      const one = framesOf(await traced(page, () => work(page)));
      if (!best || percentile(one.busy, 0.95) < percentile(best.busy, 0.95)) best = one;
      if (percentile(best.busy, 0.95) <= BUDGET) break;
    }
    const { busy, raster } = best;
    const rest = busy.map((value, at) => value - raster[at]);
    const cells = [rest, raster, busy].map(
      (of) => `${percentile(of, 0.5).toFixed(1)} / ${percentile(of, 0.95).toFixed(1)}`,
    );
    rows.push(`| ${name}: ${gesture} | ${busy.length} | ${cells.join(" | ")} |`);
    if (hasBudget && percentile(busy, 0.95) > BUDGET)
      problems.push(`${name}: ${gesture}: over ${BUDGET} ms at p95`);
    if (busy.length < 20) problems.push(`${name}: ${gesture}: only ${busy.length} frames were painted`);
  }
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  rows.push(`| ${name}: first picture ${first.toFixed(0)} ms after data; ${elements} elements | | | | |`);
  if (first > FIRST_PICTURE) problems.push(`${name}: first picture after ${first} ms`);
  if (elements > ELEMENTS) problems.push(`${name}: ${elements} elements`);
  await page.close();
}
console.log(
  "| milliseconds a frame, p50 / p95 | frames | script and paint | raster | all |\n|---|---|---|---|---|",
);
console.log(rows.join("\n"));
for (const query of ["view=routes", "view=lens", "view=map"])
  for (const theme of ["light", "dark", "high-contrast"]) {
    const page = await chromium.newPage({ viewport: { width: 420, height: 800 } });
    page.on("pageerror", (error) => problems.push(`${query}: ${error.message}`));
    await page.goto(`${address}?${query}&data=synthetic:64&theme=${theme}`);
    await page.waitForSelector("main *");
    for (const isTable of [false, true]) {
      if (isTable) await page.getByRole("button", { name: "Table" }).click();
      await page.evaluate(axe);
      const { violations } = await page.evaluate("axe.run()");
      for (const { id, impact, nodes } of violations)
        problems.push(
          `axe, ${query}, ${theme}${isTable ? ", table" : ""}: ${impact} ${id}: ${nodes[0].html.slice(0, 160)}`,
        );
    }
    await page.close();
  }
await chromium.close();
stop();
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
