// Walks through the panel as a person would, in the stand-in for VS Code, and says what did not happen.
// usage: node test/panel_page/walk.mjs (after build.mjs)
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
const context = await browser.newContext({ viewport: { width: 420, height: 800 } });
const page = await context.newPage();
page.on("pageerror", (error) => check(`no error: ${error.stack}`, false));
const sent = () => page.evaluate(() => window.standIn.sent);
const commands = async (name) =>
  (await sent()).filter((message) => message.type === "command" && message.command === name);
const requests = async (method) =>
  (await sent()).filter((message) => message.type === "request" && message.method === method);
const picture = (name) => page.screenshot({ path: join(here, "out", `walk-${name}.png`) });
const open = async (name) => page.getByRole("button", { name, exact: true }).click();
const tell = (change) => page.evaluate((given) => window.standIn.runs(given), change);
const shown = async (selector) => (await page.locator(selector).count()) > 0;

await page.goto(`file://${join(here, "out/panel-reviews-dark.html")}`);
await page.waitForSelector(".strip-token");

// Keyboard on the strip.
await page.locator('.strip-token[tabindex="0"]').focus();
await page.keyboard.press("Home");
await page.waitForTimeout(60);
await page.keyboard.press("ArrowRight");
await page.waitForTimeout(60);
await page.keyboard.press("ArrowDown");
await page.waitForTimeout(60);
await page.keyboard.press("Enter");
await page.waitForTimeout(100);
check("arrows walk and Enter selects", (await page.locator(".inspected").innerText()).startsWith("token"));
check(
  "the editor is told to reveal it",
  (await sent()).some(({ type }) => type === "reveal"),
);
check(
  "the editor is told what is pointed at",
  (await sent()).some(({ type }) => type === "point"),
);
await page.keyboard.press("ArrowRight");
await page.waitForTimeout(60);
await page.keyboard.press("ArrowRight");
await page.waitForTimeout(60);
await page.keyboard.press("Shift+Enter");
check("shift makes a span", (await page.locator(".inspected").innerText()).startsWith("tokens"));

// The editor points.
await page.evaluate(() => window.standIn.tell({ type: "point", token: 4 }));
await page.waitForTimeout(50);
check("the editor's token lights up", await shown('[data-token="4"].is-pointed'));

// Target and foil.
await page.locator(".prediction-face").nth(2).click();
check("a bar sets the target", (await commands("setTarget")).length === 1);
await page.locator(".prediction-row .tiny").nth(1).click();
check("its sign sets the foil", (await commands("setFoil"))[0]?.argument.token !== undefined);

// Continue.
await page.getByRole("button", { name: "continue", exact: true }).click();
await page.waitForTimeout(150);
check("what is written streams", (await page.locator(".written-token").count()) > 1);
await page.waitForTimeout(800);
await page.getByRole("button", { name: "Insert behind the prompt" }).click();
check("a continuation is inserted", (await commands("insertContinuation")).length === 1);

// A head, measured.
await open("Heads and neurons");
await page.waitForSelector("table[aria-label=Heads] tbody tr");
await page.locator("table[aria-label=Heads] thead button", { hasText: "flow" }).click();
await page.locator("table[aria-label=Heads] .column-head .link").first().click();
await page.waitForSelector(".token-bars");
check("a head is inspected", (await page.locator(".inspected").innerText()).startsWith("head"));
await page.locator(".component-actions vscode-button", { hasText: "Measure" }).first().click();
await page.waitForTimeout(200);
await picture("measured");
await page.getByRole("button", { name: /^switch off/ }).click();
await page.waitForTimeout(100);
check("the switch is listed", await shown(".switches vscode-checkbox"));
await page.getByRole("button", { name: /^set to/ }).click();
await page.locator(".set-to vscode-button", { hasText: "Add switch" }).click();
await page.waitForTimeout(100);
check("a scaled switch is listed", (await page.locator(".switches vscode-checkbox").count()) === 2);
await page.locator("vscode-button", { hasText: "Continue with and without" }).click();
await page.waitForTimeout(900);
check(
  "the first difference is marked on both sides",
  (await page.locator(".first-difference").count()) === 2,
);
await page.locator(".measure-sets vscode-button", { hasText: "Tokens" }).click();
await page.waitForTimeout(250);
check("rows come while measuring", await shown("table[aria-label='Measured effects'] tbody tr"));
await page.locator(".section.effects").scrollIntoViewIfNeeded();
await picture("effects");
await page.waitForTimeout(1500);
await page.evaluate(() => document.querySelector(".section.effects").scrollIntoView());
await picture("effects-done");
check("the heat can show effects", await shown(".section.strip .choice label:has-text('effect')"));
await page.locator(".section.strip .choice label", { hasText: "effect" }).click();
await page.evaluate(() => scrollTo(0, 0));
await page.waitForTimeout(100);
await picture("heat-of-effects");
await page.getByRole("button", { name: /^copy/i }).first().click();
check("Markdown is copied", (await commands("copyMarkdown"))[0]?.argument.text.includes("head"));

// Back and forward, and nothing asked twice.
const before = (await requests("limpid/head")).length;
await page.getByRole("button", { name: "Back to what was looked at before" }).click();
await page.getByRole("button", { name: "Forward again" }).click();
await page.waitForTimeout(100);
check("going back and forward asks nothing again", (await requests("limpid/head")).length === before);

// What the editor asks for.
const request = (message) => page.evaluate((given) => window.standIn.tell(given), message);
await request({ type: "section", name: "compare", act: "last" });
await page.waitForTimeout(100);
const compared = (await requests("limpid/compare"))[0]?.params;
check("the run before is compared with", compared?.with[0].run === "run0");
await request({ type: "section", name: "lens" });
await page.waitForTimeout(200);
check("the lens is opened", await shown('#tab-lens[aria-selected="true"]'));
await request({ type: "draw", kind: "svg" });
await request({ type: "draw", kind: "png" });
await request({ type: "draw", kind: "markdown" });
await page.waitForTimeout(1500);
const saved = (await sent()).filter(({ type }) => type === "save");
const savedAs = (kind) => saved.find((message) => message.kind === kind)?.data ?? "";
check("the routes are saved as SVG", savedAs("svg").startsWith("<svg"));
check("the routes are saved as PNG", savedAs("png").length > 1000);
check("the run is saved as Markdown", savedAs("markdown").startsWith("# `"));

// States.
await tell({ busy: { message: "Loading SmolLM2", share: 0.42 } });
await page.waitForTimeout(100);
await picture("busy");
check("busy is shown", await shown(".busy"));
await page.evaluate(() => {
  const shownRun = { ...window.standIn.run, is_stale: true };
  window.standIn.runs({ shown: shownRun });
});
await page.waitForTimeout(100);
check("stale is shown", await shown(".stale"));
await picture("stale");
const ways = [{ title: "Choose a smaller model", command: "limpid.chooseModel" }];
await tell({
  shown: null,
  problem: { kind: "memory-budget", message: "4,096 tokens need 2.1 GiB; the budget is 1.5 GiB.", ways },
});
await page.waitForTimeout(100);
await picture("problem");
await page.locator(".problem vscode-button").click();
check("a way out is taken", (await commands("run")).length === 1);
await tell({ shown: null, history: [] });
await page.waitForTimeout(100);
await picture("empty");
check("the empty state offers a sample", await shown(".empty"));

// Reload.
await page.reload();
await page.waitForSelector(".strip-token");
await page.waitForTimeout(200);
check("what was open is open again", await shown("table[aria-label=Heads]"));
check("the selection is back", (await page.locator(".inspected").innerText()).startsWith("head"));
check("the switches are back", (await page.locator(".switches vscode-checkbox").count()) === 2);

await browser.close();
console.log(faults === 0 ? "all of it happened" : `${faults} did not happen`);
process.exitCode = faults === 0 ? 0 : 1;
