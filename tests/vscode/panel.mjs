// The panel as a person uses it: its sections by name, its rows and buttons by what they say. What must not live here: claims.
import { pause } from "./window.mjs";

/** Waits until the panel says something; its text. */
export function panelSays(stage, wanted, { section, ...options } = {}) {
  return stage.vscode.until(
    `panel says ${wanted}${section ? ` under ${section}` : ""}`,
    async (saw) => {
      const frame = await stage.panel({ timeout: 5000 });
      const text = await frame.locator(section ? `section.${section}` : "body").innerText({ timeout: 2000 });
      saw(text.slice(0, 600));
      return wanted.test(text) && text;
    },
    options,
  );
}

/** A section of the panel, unfolded: a command may be unfolding it at the same time. */
export async function openSection(frame, name) {
  const section = frame.locator(`section.${name}`);
  const fold = section.locator("h2 button").first();
  const isOpen = async () => (await fold.getAttribute("aria-expanded")) === "true";
  for (let look = 0; look < 5; look++) {
    if (!(await isOpen())) await fold.click();
    await pause(200);
    if (await isOpen()) break;
  }
  return section;
}

/** Heat on the text, or none. */
export function heat(vscode, isThere = true) {
  return vscode.until(isThere ? "heat" : "no heat", async (saw) => {
    const seen = await vscode.decorations();
    saw(seen.map(({ text, background }) => `${text} ${background}`));
    return isThere ? seen.length >= 3 && seen : seen.length === 0;
  });
}

/** Shades behind the tokens, from left to right. */
export async function shades(vscode) {
  const marks = (await vscode.decorations()).filter(({ classes }) => /\bcdr\b/.test(classes));
  return marks.sort((a, b) => a.top - b.top || a.left - b.left).map(({ background }) => background);
}
