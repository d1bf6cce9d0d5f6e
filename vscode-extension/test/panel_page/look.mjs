// Takes pictures of the pages, in sizes and themes, and lets axe-core look at them.
// usage: node test/panel_page/look.mjs [PATTERN]  (pictures in test/panel_page/out)
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const rig = process.env.LIMPID_RIG ?? "/tmp/vscode-rig";
const { chromium } = createRequire(join(rig, "package.json"))("playwright-core");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pattern = new RegExp(process.argv[2] ?? ".");

const sizes = { narrow: { width: 420, height: 800 }, wide: { width: 1400, height: 900 } };
/** Gestures before the picture. */
const scenes = {
  first: async () => {},
  head: async (page) => {
    await open(page, "Heads and neurons");
    await page.locator("table[aria-label=Heads] .column-head .link").first().click();
    await page.locator(".section.inspector").scrollIntoViewIfNeeded();
  },
  neuron: async (page) => {
    await open(page, "Heads and neurons");
    await page.locator(".rankings .choice label", { hasText: "neurons" }).click();
    await page.locator("table[aria-label=Neurons] .column-neuron .link").first().click();
  },
  token: async (page) => {
    await page.locator(".strip-token").nth(3).click();
    await page.evaluate(() => document.querySelector(".section.inspector").scrollIntoView());
  },
  lens: async (page) => page.getByRole("tab", { name: "Lens" }).click(),
  lower: async (page) => {
    for (const name of ["Heads and neurons", "Effects", "By part", "Compare", "History"])
      await open(page, name);
    await page.evaluate(() => document.querySelector(".section.rankings").scrollIntoView());
  },
  numbers: async (page) => page.getByRole("button", { name: "Numbers beside every colour" }).click(),
};

async function open(page, name) {
  const button = page.getByRole("button", { name, exact: true });
  if ((await button.count()) > 0 && (await button.getAttribute("aria-expanded")) === "false")
    await button.click();
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--allow-file-access-from-files"],
});
let faults = 0;
const pages = [];
for (const name of ["france", "reviews", "english", "hostile", "long"]) {
  pages.push({ file: `report-${name}`, scheme: "light" }, { file: `report-${name}`, scheme: "dark" });
  for (const theme of ["light", "dark", "contrast"]) {
    pages.push({ file: `panel-${name}-${theme}`, scheme: theme === "light" ? "light" : "dark" });
  }
}
pages.push({ file: "report-reviews", scheme: "dark", forced: true });
for (const { file, scheme, forced } of pages) {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const [scene, act] of Object.entries(scenes)) {
      const name = `${file}-${forced ? "forced" : scheme}-${size}-${scene}`;
      if (!pattern.test(name)) continue;
      const context = await browser.newContext({
        viewport,
        colorScheme: scheme,
        forcedColors: forced ? "active" : "none",
      });
      const page = await context.newPage();
      page.on("pageerror", (error) => (faults++, console.log(`${name}: ${error.stack}`)));
      page.on("console", (message) => {
        if (message.type() === "error") console.log(`${name}: ${message.text()}`);
      });
      await page.goto(`file://${join(here, "out", file)}.html`);
      await page.waitForSelector(".strip-token");
      try {
        await act(page);
      } catch (error) {
        faults++;
        console.log(`${name}: ${error.message.split("\n")[0]}`);
      }
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(here, "out", `${name}.png`) });
      // Not as a script element: the report's content policy keeps those out, as it should.
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
        return violations.map(
          ({ id, impact, nodes }) =>
            `${impact} ${id}: ${nodes
              .slice(0, 3)
              .map(({ html, any }) => html.slice(0, 140) + " " + (any[0]?.message ?? ""))
              .join(" | ")}`,
        );
      });
      for (const fault of found) console.log(`${name}: ${fault}`);
      faults += found.length;
      await context.close();
    }
  }
}
await browser.close();
console.log(faults === 0 ? "nothing found" : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
