// A VS Code window as a person uses it: files, commands, hovers, hints, views, notifications. driver.mjs opens one.
// Lines and columns count from 1, as in the status bar. Whatever waits, polls up to `timeout` and throws what it saw last, with a
// picture beside the server's logs.
import fs from "node:fs";
import path from "node:path";
import { linesShown, marksShown } from "./editor_dom.mjs";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Text as it reads: VS Code writes odd spaces and joiners. */
export const plain = (text) =>
  text.replace(/[\u00a0\u2000-\u200a\u202f]/g, " ").replace(/[\u200b-\u200d\ufeff]/g, "");

const matches = (text, wanted) =>
  wanted === undefined || (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted));

const EDITOR = ".editor-group-container.active .editor-instance .monaco-editor[data-uri]";
const QUICK_ROWS = ".quick-input-widget .quick-input-list .monaco-list-row";
const HOVER = ".monaco-hover:not(.workbench-hover):not(.hidden) .monaco-hover-content";

export class Window {
  constructor(parts) {
    Object.assign(this, parts);
    /** Everything that the browser's console said. */
    this.console = [];
    /** Every address that the page asked for. */
    this.requests = [];
    this.page.on("request", (request) => this.requests.push(request.url()));
    this.page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    this.page.on("pageerror", (problem) => this.console.push(`pageerror: ${problem.stack}`));
  }

  /** Opens (or opens again) the workbench and waits until it has settled. */
  async reload() {
    const query = this.folder ? `?folder=${encodeURIComponent(path.resolve(this.folder))}` : "?ew=true";
    await this.page.goto(`${this.url}/${query}`, {
      waitUntil: "domcontentloaded",
    });
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
    // The last phase of VS Code's own start; before it, quick input drops what is typed.
    await this.page.waitForFunction(
      () => performance.getEntriesByName("code/LifecyclePhase/Eventually").length > 0,
    );
  }

  /** A second window on the same server, with its own extension host. Close its `page` when done. */
  async another(folder) {
    const page = await this.browser.newPage({
      viewport: this.page.viewportSize(),
      locale: "en-US",
    });
    page.setDefaultTimeout(this.timeout);
    const window = new Window({ ...this, page, folder });
    await window.reload();
    return window;
  }

  /** User settings on top of those that VS Code was started with; read at the next reload. (A folder's own are watched.) */
  configure(settings) {
    const file = path.join(this.data, "User/settings.json");
    fs.writeFileSync(file, JSON.stringify({ ...this.settings, ...settings }, null, 1));
  }

  /** Polls until the function returns something truthy, which is returned. */
  async until(what, look, { timeout = this.timeout, every = 100 } = {}) {
    const end = Date.now() + timeout;
    let last;
    let problem;
    do {
      try {
        problem = undefined;
        const found = await look((seen) => (last = seen));
        if (found) return found;
      } catch (thrown) {
        problem = thrown;
      }
      await pause(every);
    } while (Date.now() < end);
    const picture = path.join(this.work, "failure.png");
    await this.page.screenshot({ path: picture }).catch(() => {});
    this.keep = true;
    const saw = last === undefined ? "" : `\n  last seen: ${JSON.stringify(last)}`;
    const said = problem ? `\n  ${problem.message}` : "";
    throw new Error(`timed out after ${timeout} ms: ${what}${saw}${said}\n  picture and logs: ${this.work}`);
  }

  // Quick input.

  get quick() {
    return this.page.locator(".quick-input-widget:visible .quick-input-box input");
  }

  /** Labels of the rows of the open quick pick. */
  quickRows() {
    return this.page
      .$$eval(QUICK_ROWS, (rows) => rows.map((row) => (row.querySelector(".label-name") || row).textContent))
      .then((rows) => rows.map(plain));
  }

  async openQuick(key, text) {
    // Only then: elsewhere Escape may mean something, such as taking heat away.
    if (await this.quick.isVisible()) await this.page.keyboard.press("Escape");
    await this.page.keyboard.press(key);
    await this.quick.waitFor({ timeout: 3000 });
    await this.quick.fill(text, { timeout: 3000 }); // typed, a path gives an empty list for good
  }

  /** Fills the input box or quick pick that a command has opened, and accepts it. */
  async answer(text) {
    await this.quick.waitFor();
    await this.quick.fill(text);
    await pause(150);
    await this.page.keyboard.press("Enter");
  }

  /** Waits for a quick pick with a row that matches, and takes that row. */
  async pick(wanted, options) {
    await this.until(
      `row ${wanted}`,
      async (saw) => {
        const rows = await this.quickRows();
        saw(rows);
        if (!rows.some((row) => matches(row, wanted))) return false;
        const row = this.page.locator(QUICK_ROWS).filter({ hasText: wanted });
        await row.first().click({ timeout: 3000 });
        return true;
      },
      options,
    );
  }

  /** Runs a command from the palette: `Category: Title`, or the title alone. */
  async runCommand(title) {
    await this.until(`command in the palette: ${title}`, async (saw) => {
      await this.openQuick("F1", `>${title}`);
      for (let look = 0; look < 20; look++) {
        const rows = await this.quickRows();
        saw(rows);
        let at = rows.indexOf(title);
        if (at < 0) at = rows.findIndex((row) => row.endsWith(`: ${title}`));
        if (at >= 0) {
          await this.page.locator(QUICK_ROWS).nth(at).click({ timeout: 3000 });
          return true;
        }
        await pause(100);
      }
      return false;
    });
  }

  // The editor.

  /** Opens a file (absolute, or relative to the folder) and puts the cursor at line:col. */
  async openFile(file, line = 1, col = 1) {
    const whole = path.resolve(this.folder || "/", file);
    await this.until(`open ${whole}`, async (saw) => {
      await this.openQuick("Control+P", whole);
      for (let look = 0; look < 30; look++) {
        const rows = await this.quickRows();
        saw(rows);
        if (rows[0] === path.basename(whole)) {
          await this.page.keyboard.press("Enter");
          const shown = `${EDITOR}[data-uri$=${JSON.stringify(encodeURI(whole))}]`;
          await this.page.locator(shown).waitFor({ timeout: 5000 });
          return true;
        }
        await pause(100);
      }
      return false;
    });
    await this.goto(line, col);
  }

  /** Opens a file that VS Code may not show as text at once: very large ones, binary ones. */
  async openWhatever(file) {
    const whole = path.resolve(this.folder || "/", file);
    const name = path.basename(whole);
    await this.until(`a tab for ${whole}`, async (saw) => {
      await this.openQuick("Control+P", whole);
      await this.pick(name, { timeout: 3000 });
      const active = this.page.locator(".editor-group-container.active .tab.active .label-name").first();
      saw(await active.textContent({ timeout: 3000 }));
      return (await active.textContent({ timeout: 3000 })) === name;
    });
    const anyway = this.page.getByRole("button", { name: "Open Anyway" });
    const isAsked = await anyway.waitFor({ timeout: 1500 }).then(
      () => true,
      () => false,
    );
    if (isAsked) await anyway.click();
    return isAsked;
  }

  async goto(line, col = 1, options) {
    await this.until(
      `cursor at ${line}:${col}`,
      async (saw) => {
        // Not Ctrl+G: with the focus in a terminal that is another command.
        await this.openQuick("Control+P", `:${line}:${col}`);
        await pause(100);
        await this.page.keyboard.press("Enter");
        await this.quick.waitFor({ state: "hidden", timeout: 2000 });
        const place = this.page.locator("#status\\.editor\\.selection");
        const at = (await place.textContent({ timeout: 2000 })).trim();
        saw(at);
        return at.startsWith(`Ln ${line},`);
      },
      options,
    );
  }

  /** Types into the editor at the cursor. */
  async type(text) {
    await this.page.locator(`${EDITOR} .view-lines`).waitFor();
    await this.page.keyboard.type(text, { delay: 15 });
  }

  async key(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Lines on screen: `[{ line, text, hints }]`, the inlay hints kept apart from the text. */
  async lines() {
    const lines = await this.page.$eval(EDITOR, linesShown);
    return lines.map(({ line, text, hints }) => ({
      line,
      text: plain(text),
      hints: hints.map(plain),
    }));
  }

  /** Inlay hints on screen, `[{ line, text }]`; waits until one matches. */
  inlayTexts(wanted, options) {
    return this.until(
      `inlay hint ${wanted ?? ""}`,
      async (saw) => {
        const all = (await this.lines()).flatMap(({ line, hints }) => hints.map((text) => ({ line, text })));
        saw(all);
        return all.some((hint) => matches(hint.text, wanted)) && all;
      },
      options,
    );
  }

  /** Code lenses on screen; waits until one matches. */
  codeLenses(wanted, options) {
    return this.until(
      `code lens ${wanted ?? ""}`,
      async (saw) => {
        const all = (await this.page.locator(`${EDITOR} .codelens-decoration`).allInnerTexts()).map(plain);
        saw(all);
        return all.some((text) => matches(text, wanted)) && all;
      },
      options,
    );
  }

  /** What extensions have painted behind and onto the text: `[{ classes, background, outline, underline, left, width }]`. */
  decorations() {
    return this.page.$$eval(`${EDITOR} [class*="ced-"]`, marksShown);
  }

  /** Hover text at line:col. via: `mouse` rests the pointer there, `keyboard` uses Ctrl+K Ctrl+I. */
  async hoverText(line, col, { match, via = "mouse", timeout = this.timeout } = {}) {
    return this.until(
      `hover at ${line}:${col} ${match ?? ""}`,
      async (saw) => {
        await this.page.mouse.move(2, 2);
        await this.goto(line, col, { timeout: 5000 });
        if (via === "mouse") {
          const box = await this.page.locator(`${EDITOR} .cursors-layer .cursor`).first().boundingBox();
          await this.page.mouse.move(box.x + 3, box.y + box.height / 2 - 2);
          await this.page.mouse.move(box.x + 4, box.y + box.height / 2);
        } else {
          await this.key("Control+K", "Control+I");
        }
        let before = null;
        for (let look = 0; look < 20; look++) {
          await pause(150); // until it stands still, 3 s for this try
          const now = await this.hoverNow();
          if (now) saw(now);
          if (now && now === before && !/^Loading\.\.\.$/m.test(now) && matches(now, match)) return now;
          before = now;
        }
        return false;
      },
      { timeout },
    );
  }

  async hoverNow() {
    return plain((await this.page.locator(HOVER).allInnerTexts()).join("\n")).trim();
  }

  // Side bar and webviews.

  /** Brings a view container to the front by its title in the activity bar. */
  async showView(title) {
    const icon = `.activitybar .action-item:has(.action-label[aria-label^=${JSON.stringify(title)}])`;
    const action = this.page.locator(icon).first();
    await action.waitFor();
    const isOpen =
      /\bchecked\b/.test(await action.getAttribute("class")) &&
      (await this.page.locator(".part.sidebar").isVisible());
    if (!isOpen) await action.click();
  }

  /**
   * The frame with a webview's own document, by the title of its view or editor tab, or the document's own; it must be on screen.
   * VS Code nests two frames, a host page and the document; the inner one carries the title.
   */
  async webviewFrame(title, options) {
    return this.until(
      `webview ${title}`,
      async (saw) => {
        const seen = [];
        for (const frame of this.page.frames()) {
          const outer = frame.parentFrame();
          if (!outer || !/\/webview\/browser\/pre\/index\.html\?/.test(outer.url())) continue;
          const own = await frame
            .evaluate(() => ({
              title: document.title,
              ready: document.readyState,
            }))
            .catch(() => null);
          if (!own || own.ready === "loading") continue;
          const view = await (await frame.frameElement()).getAttribute("title");
          const isShown = await (await outer.frameElement()).isVisible();
          if (isShown && (matches(view ?? "", title) || matches(own.title, title))) return frame;
          seen.push({ view, document: own.title, isShown });
        }
        saw(seen);
        return false;
      },
      options,
    );
  }

  async screenshot(file) {
    await this.page.screenshot({ path: file });
    return file;
  }

  /** Ends the browser, the server and everything in its process group. */
  async close() {
    // Leaving the page first is what closing the tab is: the extension host deactivates its extensions, and a language client
    // sends shutdown and exit. Otherwise the server keeps the extension host for three hours.
    const pages = this.browser.contexts().flatMap((context) => context.pages());
    await Promise.all(pages.map((page) => page.goto("about:blank", { timeout: 3000 }).catch(() => {})));
    await pause(500);
    await this.browser.close().catch(() => {});
    this.server.kill("SIGTERM");
    for (let look = 0; look < 40; look++) {
      try {
        process.kill(-this.server.pid, 0);
      } catch {
        break; // the group is empty
      }
      await pause(100);
    }
    this.end();
    process.off("exit", this.end);
    if (!this.keep)
      fs.rmSync(this.work, {
        recursive: true,
        force: true,
        maxRetries: 5,
        retryDelay: 200,
      });
  }
}
