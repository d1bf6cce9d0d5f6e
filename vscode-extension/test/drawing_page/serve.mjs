// Bundles the drawing page and serves it with recorded data to a browser of its own.
// What must not live here: what is measured (measure.mjs) or looked at (look.mjs).
import { build } from "esbuild";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json" };

/** The rig's playwright-core and Chromium: `VSCODE_E2E_DIR`, `VSCODE_E2E_CHROMIUM`. */
export async function browser() {
  const rig = process.env.VSCODE_E2E_DIR ?? "/tmp/vscode-rig";
  const { chromium } = createRequire(join(rig, "package.json"))("playwright-core");
  const executablePath = process.env.VSCODE_E2E_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Serves the page; `data` is the folder of record.mjs. Returns its address and how to stop. */
export async function serve(data) {
  const bundle = await build({
    entryPoints: { page: join(here, "page.tsx") },
    bundle: true,
    minify: true,
    write: false,
    outdir: "/",
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  const built = new Map(bundle.outputFiles.map((file) => [file.path, file.contents]));
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    try {
      const body =
        built.get(path) ??
        (path.startsWith("/data/")
          ? await readFile(join(data, path.slice(6)))
          : await readFile(join(here, "index.html")));
      const type = TYPES[path.split(".").at(-1)] ?? "text/html";
      response.writeHead(200, { "content-type": type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}
