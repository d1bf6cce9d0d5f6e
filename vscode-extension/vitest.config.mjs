// Pure parts are tested in Node; what a module takes from VS Code is stood in for by the few classes it needs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const standIn = fileURLToPath(new URL("test/vscode_stand_in.ts", import.meta.url));

export default defineConfig({
  resolve: { alias: { "vscode-languageclient/node": standIn, vscode: standIn } },
  test: { include: ["test/**/*.test.{ts,tsx}"] },
});
