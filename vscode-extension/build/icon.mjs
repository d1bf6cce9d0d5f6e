// Draws media/icon.png from media/icon.svg, in the Chromium of tests/vscode/setup. Run by hand when the drawing changes.
// `--preview FILE` draws both icons as small as an editor shows them, on light and dark.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "../../tests/vscode/driver.mjs";

const media = (name) => fileURLToPath(new URL(`../media/${name}`, import.meta.url));
const svg = readFileSync(media("icon.svg"), "utf8");
const mark = readFileSync(media("limpid.svg"), "utf8");
const at = process.argv.indexOf("--preview");
const inline = (text, size) =>
  `<img width="${size}" height="${size}" src="data:image/svg+xml;base64,${Buffer.from(text).toString("base64")}">`;

const browser = await chromium().launch();
const page = await browser.newPage({ viewport: { width: 256, height: 256 } });
if (at > 0) {
  const row = [128, 48, 32, 16].map((size) => inline(svg, size)).join(" ");
  const marks = [24, 48].map((size) => inline(mark, size)).join(" ");
  const dark = `<div style="background:#1f1f1f;padding:8px">${row} ${marks}</div>`;
  const light = `<div style="background:#fff;padding:8px">${row} <span style="filter:invert(1)">${marks}</span></div>`;
  await page.setViewportSize({ width: 420, height: 310 });
  await page.setContent(dark + light);
  await page.screenshot({ path: process.argv[at + 1] });
} else {
  await page.setContent(`<body style="margin:0">${inline(svg, 256)}</body>`);
  await page.screenshot({ path: media("icon.png"), omitBackground: true });
}
await browser.close();
