// The folder that a session works in: a copy of workspace/, and the files that are too large to keep.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const KEPT = fileURLToPath(new URL("workspace", import.meta.url));

const WORDS =
  "the old harbour lay quiet while boats came home with nets and lanterns and men who had counted stars above the cold water".split(
    " ",
  );

/** English-looking text of about this many tokens, one word a token, a full stop now and then; the same every time. */
export function words(count, seed = 1) {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647);
  const text = [];
  for (let at = 0; at < count; at++) {
    const word = WORDS[next() % WORDS.length];
    text.push(at % 12 === 11 ? `${word}.` : word);
  }
  return text.join(" ");
}

/** Files that a session may ask for, by name. */
const LARGE = {
  /** 10 MiB, more than any editor hands to a language server gladly. */
  "large.prompt": () => `${words(20)}\n`.repeat(Math.ceil((10 << 20) / (words(20).length + 1))),
  /** Every byte there is, in a file that is called a prompt. */
  "binary.prompt": () => Buffer.from(Array.from({ length: 65_536 }, (_, at) => (at * 167) % 256)),
  /** A prompt that is long, and fits the window of SmolLM2 (8,192). */
  "long.prompt": () => `${words(3500)}\n`,
  /** 1,024 tokens or a little more. */
  "thousand.prompt": () => `${words(930)}\n`,
  /** 100 kB without a space. */
  "unbroken.prompt": () => "abcdefghij".repeat(10_000),
};

/** Copies the kept files into `folder` and writes the large ones named. */
export function workspace(folder, large = []) {
  fs.cpSync(KEPT, folder, { recursive: true });
  for (const name of large) fs.writeFileSync(path.join(folder, name), LARGE[name]());
  return folder;
}
