// What a VS Code window says to its user: notifications, dialogs, status bar, Problems view, output channels.
import fs from "node:fs";
import path from "node:path";
import { plain } from "./window.mjs";

const matches = (text, wanted) => (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted));

/** Texts of the notifications on screen. */
export async function notifications(window) {
  return (await window.page.locator(".notification-list-item-message").allInnerTexts()).map(plain);
}

/** Waits for a notification that matches. */
export function notification(window, wanted, options) {
  return window.until(
    `notification ${wanted}`,
    async (saw) => {
      const all = await notifications(window);
      saw(all);
      return all.find((text) => matches(text, wanted));
    },
    options,
  );
}

/** Presses a button of a notification on screen. */
export async function pressInNotification(window, button) {
  await window.page.locator(".notification-list-item").getByRole("button", { name: button }).first().click();
}

export async function clearNotifications(window) {
  if ((await notifications(window)).length) await window.runCommand("Notifications: Clear All Notifications");
}

/** Texts of modal dialogs on screen. */
export async function dialogs(window) {
  return (await window.page.locator(".monaco-dialog-box").allInnerTexts()).map(plain);
}

/** Waits for a status bar item whose label matches; its label is returned. */
export function statusItem(window, wanted, options) {
  return window.until(
    `status bar item ${wanted}`,
    async (saw) => {
      const labels = await window.page.$$eval(".part.statusbar .statusbar-item", (items) =>
        items.map((item) => item.getAttribute("aria-label") || item.textContent),
      );
      const all = labels.map(plain);
      saw(all);
      return all.find((text) => matches(text, wanted));
    },
    options,
  );
}

/** Rows of the Problems view; waits until one matches. */
export async function problems(window, wanted, options) {
  await window.runCommand("Problems: Focus on Problems View");
  return window.until(
    `problem ${wanted}`,
    async (saw) => {
      const rows = await window.page.$$eval(".markers-panel .monaco-list-row", (all) =>
        all.map((row) => row.getAttribute("aria-label") || row.textContent),
      );
      saw(rows.map(plain));
      return rows.some((row) => matches(plain(row), wanted)) && rows.map(plain);
    },
    options,
  );
}

/** What an extension wrote to its output channel: from the log on disk, some seconds late. */
export function outputChannel(window, name) {
  const logs = path.join(window.data, "logs");
  const files = fs
    .readdirSync(logs, { recursive: true })
    .filter((file) => path.basename(file).replace(/^\d+-/, "") === `${name}.log`)
    .sort();
  return files.map((file) => fs.readFileSync(path.join(logs, file), "utf8")).join("");
}
