// From gesture to pixels, printed: a busy machine fails no test of it. The marks that the figures are held against stand in the
// README of the repository.
import { statusItem } from "../messages.mjs";
import { heat, panelSays } from "../panel.mjs";
import { fromKeyToPixels, percentiles, slide } from "../timing.mjs";
import { activationTime } from "./quiet_start.mjs";

export const large = ["thousand.prompt"];

const ROUNDS = 20;
const say = (what, times) => console.log(`      ${what}: ${percentiles(times)}`);

/** Hover of a token whose prompt is analysed: from the key to its text. The editor's own delay is not in it: a key asks at once. */
async function hovers(stage) {
  const { vscode } = stage;
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    await vscode.goto(1, 5 + 7 * round);
    await vscode.page
      .locator(".monaco-hover:not(.hidden) .monaco-hover-content")
      .first()
      .waitFor({ state: "hidden" });
    const isThere = () =>
      [...document.querySelectorAll(".monaco-hover:not(.hidden) .hover-contents")].some((e) =>
        /token \d+ of/.test(e.textContent),
      );
    await vscode.key("Control+k");
    times.push(await fromKeyToPixels(vscode.page, isThere, () => vscode.key("Control+i")));
  }
  return times;
}

/** Heat of 130 tokens that the daemon has not seen: the first word is another one each round. */
async function newHeat(stage) {
  const { vscode } = stage;
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    await vscode.goto(1, 1);
    await vscode.key("Control+Shift+ArrowRight");
    await vscode.page.keyboard.type(`Word${String.fromCharCode(97 + round)} `);
    await vscode.key("Control+a");
    const isThere = () => document.querySelectorAll(".monaco-editor [class*='cdr ced-']").length > 5;
    await vscode.until("no heat", () => vscode.page.evaluate(isThere).then((there) => !there));
    times.push(await fromKeyToPixels(vscode.page, isThere, () => vscode.key("Control+Alt+i")));
    await vscode.key("ArrowRight", "Escape");
    await heat(vscode, false);
  }
  return times;
}

/** From the message with the run to the frame in which the panel has drawn it. */
async function panelPaint(stage) {
  const { vscode } = stage;
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    await vscode.runCommand("Limpid: Hide Heat");
    await panelSays(stage, /Nothing inspected/);
    const frame = await stage.panel();
    await frame.evaluate(() => {
      window.__painted = new Promise((resolve) => {
        let start;
        const hear = ({ data }) => {
          if (data?.type === "runs" && data.shown) start ??= performance.now();
        };
        window.addEventListener("message", hear, { capture: true });
        const observer = new MutationObserver(() => {
          if (start === undefined || document.querySelectorAll("[role=option]").length === 0) return;
          observer.disconnect();
          window.removeEventListener("message", hear, { capture: true });
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        });
        observer.observe(document.body, { subtree: true, childList: true });
      });
    });
    await vscode.runCommand("Limpid: Inspect");
    times.push(await frame.evaluate(() => window.__painted));
  }
  return times;
}

/** Work for a frame while "flow shown" is dragged. */
async function slider(stage) {
  const frame = await stage.panel();
  const control = frame.getByRole("slider", { name: "Flow shown" });
  await control.waitFor({ timeout: 60_000 });
  return await slide(frame, 'input[aria-label="Flow shown"]', 120);
}

export default async function latency(stage) {
  const { vscode } = stage;
  await vscode.openFile("harbour.prompt", 1, 5);
  await vscode.inlayTexts("·hand", { timeout: 60_000 });
  console.log(`      activation: ${await activationTime(vscode)} ms`);
  await vscode.hoverText(1, 5, { match: /token \d+ of/ });
  say("hover, warm", await hovers(stage));
  await vscode.runCommand("Limpid: Inspect");
  await heat(vscode);
  say("panel, from the run to its tokens", await panelPaint(stage));
  say("slider, 132 tokens, a frame", await slider(stage));
  await vscode.runCommand("Limpid: Hide Heat");
  say("heat of a new prompt of 130 tokens", await newHeat(stage));
  await vscode.key("Control+s");

  await vscode.openFile("thousand.prompt", 2, 1);
  const start = Date.now();
  await vscode.runCommand("Limpid: Inspect");
  await panelSays(stage, /of flow shown/, { timeout: 120_000 });
  console.log(`      1,000 tokens, from the command to routes in the panel: ${Date.now() - start} ms`);
  say("slider, 1,000 tokens, a frame", await slider(stage));
  await statusItem(vscode, /SmolLM2/);
  await stage.picture("thousand_tokens");
}
