// Opens the report of a hostile prompt, and a very long one, and says whether anything ran, broke out or took long.
// usage: node test/panel_page/hostile.mjs (after record.mjs and build.mjs)
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const rig = process.env.LIMPID_RIG ?? "/tmp/vscode-rig";
const { chromium } = createRequire(join(rig, "package.json"))("playwright-core");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let faults = 0;
const check = (what, is) => {
  if (!is) faults++;
  console.log(`${is ? "  ok" : "FAIL"}  ${what}`);
};
for (const file of ["report-hostile", "panel-hostile-dark", "report-long", "panel-long-dark"]) {
  const page = await browser.newPage({ viewport: { width: 420, height: 800 } });
  page.on("dialog", (dialog) => (check(`${file}: no dialog`, false), dialog.dismiss()));
  page.on("pageerror", (error) => check(`${file}: no error: ${error.stack}`, false));
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) check(`${file}: asks the net for ${request.url()}`, false);
  });
  await page.goto(`file://${join(here, "out", file)}.html`);
  await page.waitForSelector(".strip-token");
  const found = await page.evaluate(() => ({
    images: document.querySelectorAll("img, iframe, a[href]").length,
    nodes: document.querySelectorAll("*").length,
    wide: document.documentElement.scrollWidth > innerWidth,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  }));
  check(`${file}: no element came out of the prompt`, found.images === 0);
  check(`${file}: ${found.nodes} nodes, 3,000 at most`, found.nodes <= 3000);
  check(`${file}: nothing is wider than the page`, !found.wide);
  await page.waitForTimeout(1000);
  const took = await page.evaluate(async () => {
    const start = performance.now();
    const token = [...document.querySelectorAll(".strip-token")].at(-9);
    token.click();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - start;
  });
  check(
    `${file}: a click is drawn in ${took.toFixed(0)} ms (first paint at ${found.painted.toFixed(0)} ms)`,
    took < 250,
  );
  await page.screenshot({ path: join(here, "out", `${file}-hostile.png`) });
  await page.close();
}
await browser.close();
process.exitCode = faults === 0 ? 0 : 1;
