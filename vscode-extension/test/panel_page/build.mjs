// Builds the pages to look at: `out/report-NAME.html`, reports with real recorded answers, and `out/panel-NAME-THEME.html`, the
// panel in a stand-in for VS Code. usage: node test/panel_page/build.mjs (after record.mjs)
import { build } from "esbuild";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PLACE, reportHtml } from "../../build/report.mjs";
import { longRecording } from "./long_prompt.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const out = join(here, "out");

await build({
  entryPoints: {
    panel: join(root, "webview/panel.tsx"),
    report: join(root, "webview/report.tsx"),
  },
  outdir: out,
  bundle: true,
  minify: true,
  legalComments: "none",
  platform: "browser",
  target: "es2022",
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
});
await mkdir(out, { recursive: true });
const read = (name) => readFile(join(out, name), "utf8");
const report = reportHtml(await read("report.js"), await read("report.css"));
const themes = JSON.parse(await readFile(join(here, "themes.json"), "utf8"));
const names = (await readdir(join(here, "recorded"))).filter((name) => name.endsWith(".json"));
const recordings = await Promise.all(
  names.map(async (name) => [
    name.replace(".json", ""),
    JSON.parse(await readFile(join(here, "recorded", name), "utf8")),
  ]),
);
const [, someRecording] = recordings.find(([name]) => name === "reviews");
recordings.push(["long", longRecording(someRecording)]);
for (const [bare, recording] of recordings) {
  const recorded = JSON.stringify(recording).replaceAll("<", "\\u003c");
  await writeFile(
    join(out, `report-${bare}.html`),
    report.replace(PLACE, () => PLACE.replace("null", () => recorded)),
  );
  for (const [theme, { body, variables }] of Object.entries(themes)) {
    const style = Object.entries(variables)
      .map(([key, value]) => `--vscode-${key}:${value}`)
      .join(";")
      .replaceAll('"', "'");
    await writeFile(
      join(out, `panel-${bare}-${theme}.html`),
      [
        `<!doctype html><html lang="en" style="${style}"><head><meta charset="utf-8"><title>Limpid</title>`,
        `<link rel="stylesheet" href="panel.css"></head><body class="${body}">`,
        `<script type="application/json" id="stand-in-recorded">${recorded}</script>`,
        `<script src="../stand_in.js"></script><script src="panel.js"></script></body></html>`,
      ].join("\n"),
    );
  }
}
console.log(`${names.length} recordings in ${out}`);
