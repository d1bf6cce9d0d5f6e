// Drives the drawings as a person would: hover, click, keyboard, table, folding; takes pictures and fails where nothing happens.
// What must not live here: figures (measure.mjs), every theme and size (look.mjs).
//
// usage: node gestures.mjs OUT_FOLDER
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { browser, serve } from "./serve.mjs";

const [out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const { address, stop } = await serve("");
const chromium = await browser();
const problems = [];

async function opened(query, viewport = { width: 1400, height: 900 }) {
  const page = await chromium.newPage({ viewport });
  page.on("pageerror", (error) => problems.push(`${query}: ${error.message}`));
  await page.goto(`${address}?${query}&data=synthetic:64`);
  await page.waitForFunction(() => performance.getEntriesByName("limpid-data").length > 0);
  await page.waitForTimeout(300);
  return page;
}
const selected = (page) => page.evaluate(() => window.limpid.selected);

async function routes(narrow) {
  const viewport = narrow ? { width: 420, height: 800 } : { width: 1400, height: 900 };
  const page = await opened("view=routes&theme=dark", viewport);
  const stage = page.locator(".limpid-stage");
  await stage.focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Shift+Tab");
  const said = () => page.locator(".limpid-spoken").first().textContent();
  const [down, up, aside] = narrow
    ? ["ArrowLeft", "ArrowRight", "ArrowUp"]
    : ["ArrowDown", "ArrowUp", "ArrowLeft"];
  const top = await said();
  assert.match(top, /after L29; flow 100 %/);
  for (let step = 0; step < 6; step++) await page.keyboard.press(down);
  const lower = await said();
  assert.notEqual(lower, top);
  await page.screenshot({ path: join(out, `focus-${narrow ? "narrow" : "wide"}.png`) });
  await page.keyboard.press(aside);
  assert.notEqual(await said(), lower);
  await page.keyboard.press(up);
  await page.keyboard.press("Enter");
  assert.match((await selected(page)).kind, /node|mlp/);
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await page.waitForTimeout(100);
  await page.screenshot({ path: join(out, `zoomed-${narrow ? "narrow" : "wide"}.png`) });
  await page.keyboard.press("0");
  // What lies under the pointer is found by feeling for it, as a person would.
  const box = await stage.boundingBox();
  let tip = "";
  for (let y = 40; y < box.height - 100 && !/→/.test(tip); y += 7) {
    await page.mouse.move(box.x + box.width * 0.6, box.y + y);
    tip = (await page.locator(".limpid-tip").count()) ? await page.locator(".limpid-tip").textContent() : "";
  }
  assert.match(tip, /→/, "no line was found under the pointer");
  await page.screenshot({ path: join(out, `hover-${narrow ? "narrow" : "wide"}.png`) });
  await page.mouse.down();
  await page.mouse.up();
  assert.equal((await selected(page)).kind, "edge");
  const svg = await page.evaluate(() => window.limpid.svg());
  assert.match(svg, /^<svg[\s\S]*<\/svg>$/);
  const parsed = await page.evaluate(
    (text) => new DOMParser().parseFromString(text, "image/svg+xml").querySelector("parsererror") === null,
    svg,
  );
  assert.ok(parsed, "the saved SVG is not well formed");
  const png = Buffer.from(await page.evaluate(() => window.limpid.png()), "base64");
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  await page.keyboard.press("t");
  const rows = page.locator(".limpid-rows tbody tr");
  assert.ok((await rows.count()) < 100, "the table is not virtual");
  await page.locator(".limpid-rows").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  assert.equal((await selected(page)).kind, "edge");
  await page.screenshot({ path: join(out, `table-${narrow ? "narrow" : "wide"}.png`) });
  await page.getByRole("button", { name: "From" }).click();
  assert.equal(await page.locator("th[aria-sort=ascending]").count(), 1);
  await page.close();
}

async function lens() {
  const page = await opened("view=lens&theme=light");
  await page.locator(".limpid-scroller").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowDown");
  assert.match(await page.locator(".limpid-said").textContent(), /after L28: top .* target/);
  await page.keyboard.press("Enter");
  assert.deepEqual((await selected(page)).node.kind, "resid_post");
  await page.getByRole("button", { name: "Rank" }).click();
  await page.keyboard.press("0");
  await page.getByRole("button", { name: "Fit" }).click();
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(out, "lens-rank-fit.png") });
  await page.close();
}

async function map() {
  const page = await opened("view=map&theme=dark", { width: 420, height: 800 });
  await page.locator(".limpid-stage").focus();
  for (const key of ["ArrowLeft", "ArrowLeft", "ArrowUp"]) await page.keyboard.press(key);
  assert.match(await page.locator(".limpid-said").textContent(), /looks at/);
  await page.keyboard.press("Enter");
  assert.equal((await selected(page)).kind, "position");
  await page.screenshot({ path: join(out, "map-focus.png") });
  await page.keyboard.press("t");
  assert.equal(await page.locator(".limpid-rows tbody tr").count(), 20);
  await page.close();
}

await routes(false);
await routes(true);
await lens();
await map();
await chromium.close();
stop();
assert.deepEqual(problems, []);
console.log("gestures: all well");
