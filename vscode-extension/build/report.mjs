// Assembles the offline report: one HTML file with the panel's code and styles in it, and one line for what was recorded.
// The same input gives the same bytes: the file is committed, and checked to be fresh.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The line that the CLI and the extension fill. */
export const PLACE = '<script type="application/json" id="limpid-recorded">null</script>';

/** The report's HTML around a script and styles. */
export function reportHtml(script, style) {
  const code = script.trim();
  // Neither may end its own element early; esbuild escapes both, so this only guards against that ever changing.
  if (/<\/script|<!--/i.test(code)) throw new Error("the report's script would end its element");
  if (/<\/style/i.test(style)) throw new Error("the report's styles would end their element");
  const hash = createHash("sha256").update(code, "utf8").digest("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    "style-src 'unsafe-inline'",
    "img-src data: blob:",
    "font-src data:",
  ].join("; ");
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="generator" content="Limpid">',
    "<title>Limpid</title>",
    `<style>${style.trim()}</style>`,
    "</head>",
    "<body>",
    '<div id="limpid"></div>',
    PLACE,
    `<script>${code}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** Writes the report from what was built to where the command-line program and the extension take it. */
export async function writeReport() {
  const read = (name) => readFile(join(root, "dist", name), "utf8");
  const html = reportHtml(await read("report.js"), await read("report.css"));
  for (const path of [join(root, "dist/report.html"), join(root, "../daemon/cli/assets/report.html")]) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, html);
  }
}
