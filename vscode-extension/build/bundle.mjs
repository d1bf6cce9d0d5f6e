// Builds what is shipped: the extension (Node), the panel (browser), and the panel's code and styles for the HTML report.
// `--watch` rebuilds; `--dev` keeps names and adds source maps.
import { build, context } from "esbuild";
import { writeReport } from "./report.mjs";

const dev = process.argv.includes("--dev") || process.argv.includes("--watch");
const shared = {
  bundle: true,
  minify: !dev,
  sourcemap: dev ? "inline" : false,
  legalComments: "none",
  logLevel: "info",
};
const extension = {
  ...shared,
  entryPoints: { main: "src/main.ts", client: "src/client.ts" },
  outdir: "dist",
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  // VS Code gives `vscode` to what is required.
  supported: { "dynamic-import": false },
  // Read when the server is started, not when the extension is activated.
  plugins: [
    {
      name: "apart",
      setup: (build) =>
        build.onResolve({ filter: /^\.\/client$/ }, () => ({ path: "./client", external: true })),
    },
  ],
};
const panel = {
  ...shared,
  entryPoints: { panel: "webview/panel.tsx", report: "webview/report.tsx" },
  outdir: "dist",
  platform: "browser",
  target: "es2022",
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
};

if (process.argv.includes("--watch")) {
  for (const options of [extension, panel]) await (await context(options)).watch();
} else {
  await Promise.all([build(extension), build(panel)]);
  // A report with source maps would be committed by mistake.
  if (!dev) await writeReport();
}
