// From a prompt to what made its prediction and back, gesture by gesture, on the text and in the panel.
import assert from "node:assert/strict";
import { dialogs, notifications } from "../messages.mjs";
import { heat, openSection, panelSays, shades } from "../panel.mjs";

const cursor = (vscode) => vscode.page.locator("#status\\.editor\\.selection").textContent();

/** Inspect: heat, first token apart, the target boxed; the hover says what is measured and what is not. */
async function inspect(stage) {
  const { vscode } = stage;
  await vscode.openFile("capital.prompt", 2, 1);
  await vscode.inlayTexts("·Paris 77 %");
  await vscode.key("Control+Alt+i");
  const marks = await heat(vscode);
  const first = marks.find(({ text }) => text === "The");
  assert.match(first.image, /repeating-linear-gradient/, "the first token is hatched");
  assert.ok(
    marks.some(({ border }) => /1px solid/.test(border)),
    "the target is boxed",
  );
  const [capital, of, france] = await shades(vscode);
  assert.match(capital, /rgba\(11, 107, 203/, "·capital supports");
  assert.match(of, /rgba\(11, 107, 203/);
  assert.match(france, /rgba\(194, 90, 0/, "·France opposes, by the estimate");
  assert.match(await vscode.hoverText(1, 17), /Effect of hiding it: not measured/);
}

/** The panel says the same as the text; what is pointed at or chosen on one side shows on the other. */
async function panelAndText(stage) {
  const { vscode } = stage;
  const frame = await stage.panel();
  const predictions = frame.getByRole("list", { name: "Likely next tokens" });
  assert.match(await predictions.innerText(), /·Paris\s+77 %/);
  const tokens = frame.getByRole("listbox", { name: "Tokens of the prompt" });
  assert.equal(await tokens.getByRole("option").count(), 5);
  await panelSays(stage, /9\d % of flow shown/);

  const before = (await vscode.decorations()).length;
  await tokens.getByRole("option", { name: /capital/ }).hover();
  await vscode.until("marked in the text", async () => (await vscode.decorations()).length > before);
  await tokens.getByRole("option", { name: /France/ }).click();
  await vscode.until("the cursor follows", async (saw) => {
    const at = await cursor(vscode);
    saw(at);
    return /Ln 1, Col (15|16|22)/.test(at);
  });
  await panelSays(stage, /token 3/i, { section: "inspector" });
  await vscode.goto(1, 7);
  await panelSays(stage, /token 1/i, { section: "inspector" });
}

/** The route graph by keyboard, its table, a head, and the lens. */
async function routes(stage) {
  const { vscode } = stage;
  const frame = await stage.panel();
  const graph = frame.getByRole("application", { name: /Routes/ });
  await graph.focus();
  await vscode.key("ArrowDown", "ArrowDown", "Enter");
  await panelSays(stage, /L\d+/, { section: "inspector" });
  await graph.focus();
  await vscode.key("t");
  await frame
    .getByRole("table", { name: /routes|edges/i })
    .first()
    .waitFor();
  await vscode.key("t");
  const rankings = await openSection(frame, "rankings");
  await rankings.getByText("L12H0").first().click();
  await panelSays(stage, /L12H0/, { section: "inspector" });
  await stage.picture("head");
  await frame.getByRole("tab", { name: "Lens" }).click();
  await panelSays(stage, /lens/i, { section: "ways" });
  await stage.picture("lens");
  await frame.getByRole("tab", { name: "Routes" }).click();
}

/** A head gets a name by keyboard, which stands wherever the head is named, as text; another one changes it. */
async function notes(stage) {
  const { vscode } = stage;
  const frame = await stage.panel();
  const inspector = frame.locator("section.inspector");
  const write = async (text) => {
    await inspector.getByRole("button", { name: /note: what L12H0 does/ }).focus();
    await vscode.key("Enter");
    await inspector.getByRole("textbox", { name: "Name or note of L12H0" }).fill(text);
  };
  await write("first try");
  await vscode.key("Enter");
  await panelSays(stage, /first try/, { section: "inspector" });
  await write("not kept");
  await vscode.key("Escape");
  await write("country <b>→</b> capital");
  await stage.picture("note");
  await vscode.key("Enter");
  for (const section of ["inspector", "rankings"]) {
    await panelSays(stage, /country <b>→<\/b> capital/, { section });
  }
  assert.match(await frame.evaluate(() => document.activeElement.textContent), /edit note/);
}

/** Measured: the numbers of the README, in the panel and in the hover, with the disagreement marked. */
async function measure(stage) {
  const { vscode } = stage;
  await vscode.goto(2, 1);
  await vscode.runCommand("Limpid: Measure Effects of the Prompt's Parts");
  await openSection(await stage.panel(), "effects");
  const said = await panelSays(stage, /\+8\.27/, { section: "effects", timeout: 60_000 });
  assert.match(said, /\+7\.38/);
  assert.match(said, /≠/);
  await stage.picture("effects");
  assert.match(await vscode.hoverText(1, 17, { match: "+7.38" }), /\+7\.38 nats: supports ≠ the estimate/);
  await vscode.page.mouse.move(2, 2);
}

/** Why not another: every score becomes one of target against foil. */
async function foil(stage) {
  const { vscode } = stage;
  const before = await shades(vscode);
  const frame = await stage.panel();
  await frame.getByRole("button", { name: "Why not ·London: compare with it" }).click();
  await panelSays(stage, /rather than\s+·London/);
  await vscode.until("other heat", async () => `${await shades(vscode)}` !== `${before}`);
  await stage.picture("foil");
}

/** Continue in the panel, then with a head switched off, side by side. */
async function continuations(stage) {
  const frame = await stage.panel();
  await frame.getByRole("button", { name: "continue", exact: true }).click();
  await panelSays(stage, /·?Paris[.·]/, { section: "prediction", timeout: 30_000 });
  const rankings = await openSection(frame, "rankings");
  await rankings.getByText("L12H0").first().click();
  await frame
    .locator("section.inspector")
    .getByRole("button", { name: /switch off/i })
    .first()
    .click();
  const effects = await openSection(frame, "effects");
  await effects.getByText("L12H0 off").waitFor(); // in a checkbox's own tree, which has no text for the page
  await effects
    .getByRole("button", { name: /continue|side by side/i })
    .first()
    .click();
  await panelSays(stage, /without/i, { section: "effects", timeout: 30_000 });
  await stage.picture("switches");
}

/** An edit makes what is shown stale; inspected again, the two runs stand side by side; the history has both. */
async function compareAndHistory(stage) {
  const { vscode } = stage;
  await vscode.openFile("capital.prompt", 1, 22);
  await vscode.key("Control+Shift+ArrowLeft");
  await vscode.type("Spain");
  await panelSays(stage, /changed/i);
  await stage.picture("stale");
  await vscode.goto(2, 1);
  await vscode.runCommand("Limpid: Inspect");
  await panelSays(stage, /·Madrid/);
  await vscode.runCommand("Limpid: Compare with the Prompt as Last Inspected");
  await panelSays(stage, /France|Spain/, { section: "compare" });
  await stage.picture("compare");
  const history = await openSection(await stage.panel(), "history");
  assert.ok((await history.innerText()).split("capital.prompt").length > 2, "both runs are in the history");
  await vscode.key("Control+s");
}

/** After a reload panel and text show what they showed, notes too. */
async function reload(stage) {
  const { vscode } = stage;
  await vscode.reload();
  await vscode.showView("Limpid");
  await panelSays(stage, /·Madrid/, { timeout: 60_000 });
  await heat(vscode);
  const rankings = await openSection(await stage.panel(), "rankings");
  await rankings.getByRole("button", { name: /show all/ }).click();
  await panelSays(stage, /L12H0\s+country <b>→<\/b> capital/, { section: "rankings", timeout: 60_000 });
  await stage.picture("restored");
}

const STEPS = {
  inspect,
  panelAndText,
  routes,
  notes,
  measure,
  foil,
  continuations,
  compareAndHistory,
  reload,
};

export default async function journeys(stage) {
  const failures = [];
  for (const [name, act] of Object.entries(STEPS)) {
    try {
      await act(stage);
    } catch (problem) {
      failures.push(`${name}: ${problem.message}`);
      await stage.picture(`failed_journeys_${name}`);
    }
    if (process.env.LIMPID_SESSION_STEPS)
      console.log(`  ${name}: ${failures.at(-1)?.startsWith(name) ? failures.at(-1) : "ok"}`);
  }
  const { vscode } = stage;
  assert.deepEqual([await notifications(vscode), await dialogs(vscode)], [[], []]);
  const broken = vscode.console.filter((line) => /pageerror|Content Security Policy/.test(line));
  assert.deepEqual([failures, broken], [[], []]);
}
