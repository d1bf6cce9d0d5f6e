// Formats the Neovim plugin's Lua by StyLua, with nvim-plugin/stylua.toml: `node format.mjs [--check]`. StyLua is the package that
// tests/lua/run puts into tests/.cache/lua. What must not live here: other lints.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const tests = path.dirname(import.meta.dirname);
const plugin = path.join(path.dirname(tests), "nvim-plugin");
const stylua = createRequire(path.join(tests, ".cache/lua/package.json"))("@johnnymorganz/stylua");

/** What a key of stylua.toml sets, with the values it may have; null: a number. */
const KEYS = {
  column_width: null,
  indent_type: stylua.IndentType,
  indent_width: null,
  quote_style: stylua.QuoteStyle,
  call_parentheses: stylua.CallParenType,
  syntax: stylua.LuaVersion,
};

function settings() {
  const config = stylua.Config.new();
  for (const line of readFileSync(path.join(plugin, "stylua.toml"), "utf8").split("\n")) {
    const [, key, word, number] = /^(\w+) = (?:"(\w+)"|(\d+))$/.exec(line) ?? [];
    if (line === "") continue;
    const value = number === undefined ? KEYS[key]?.[word] : Number(number);
    if (!(key in KEYS) || value === undefined) throw new Error(`stylua.toml: \`${line}\` is not known here`);
    config[key] = value;
  }
  return config;
}

const isCheck = process.argv.includes("--check");
const files = readdirSync(plugin, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".lua"),
);
const unformatted = [];
for (const name of files.sort()) {
  const file = path.join(plugin, name);
  const text = readFileSync(file, "utf8");
  const formatted = stylua.formatCode(text, settings(), undefined, stylua.OutputVerification.Full);
  if (formatted === text) continue;
  const [was, is] = [text.split("\n"), formatted.split("\n")];
  const line = was.findIndex((each, at) => each !== is[at]);
  unformatted.push(`${name}:${line + 1}: StyLua writes \`${is[line]}\``);
  if (!isCheck) writeFileSync(file, formatted);
}
console.log(isCheck ? unformatted.join("\n") : unformatted.map((each) => `formatted ${each}`).join("\n"));
console.log(
  `StyLua: ${files.length} files, ${unformatted.length} ${isCheck ? "not as it writes them" : "written anew"}`,
);
process.exit(isCheck && unformatted.length > 0 ? 1 : 0);
