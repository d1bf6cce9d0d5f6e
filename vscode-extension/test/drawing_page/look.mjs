// Takes pictures of the drawings in every theme and size, for people to look at.
// What must not live here: measuring.
//
// usage: node look.mjs DATA_FOLDER OUT_FOLDER [WORD IN THE PICTURE'S NAME]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { browser, serve } from "./serve.mjs";

const [data, out, only = ""] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const { address, stop } = await serve(data);
const chromium = await browser();
const SIZES = { wide: { width: 1400, height: 900 }, narrow: { width: 420, height: 800 } };
const QUERIES = {
  "routes-story": "view=routes&data=story",
  "routes-story-70": "view=routes&data=story&mass=0.1",
  "routes-france": "view=routes&data=france",
  "routes-france-40": "view=routes&data=france&mass=0.4",
  "routes-numbers": "view=routes&data=story&mass=0.1&numbers",
  "routes-256": "view=routes&data=synthetic:256",
  "routes-1024": "view=routes&data=synthetic:1024",
  "lens-story": "view=lens&data=story",
  "lens-france": "view=lens&data=france&numbers",
  "lens-1024": "view=lens&data=synthetic:1024",
  "map-story": "view=map&data=story",
  "map-france": "view=map&data=france&kind=contribution",
};
for (const [size, viewport] of Object.entries(SIZES))
  for (const theme of ["light", "dark", "high-contrast"])
    for (const [name, query] of Object.entries(QUERIES)) {
      const title = `${name}-${size}-${theme}`;
      if (!title.includes(only)) continue;
      const page = await chromium.newPage({ viewport });
      page.on("pageerror", (error) => console.error(title, error.message));
      page.on("console", (message) => message.type() === "error" && console.error(title, message.text()));
      await page.goto(`${address}?${query}&theme=${theme}`);
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(out, `${title}.png`) });
      await page.close();
    }
await chromium.close();
stop();
