// How a token's text is shown: escaped, cut in the middle, the same as `protocol/src/display.rs`. Prompt tokens come with theirs;
// this is for tokens of the vocabulary, which come as text.
// What must not live here: numbers (display.ts), colours.

/** Widest display of a token, in columns. */
const TOKEN_COLUMNS = 24;

/** A token's text for people: escaped, and cut to 24 columns. */
export function token(text: string): string {
  return cut(escapeToken(text), TOKEN_COLUMNS);
}

/** The escapes of `token` without the cut. */
export function escapeToken(text: string): string {
  if (text === "") return "∅";
  const characters = Array.from(text);
  const leading = characters.findIndex((c) => c !== " ");
  const trailing = characters.length - [...characters].reverse().findIndex((c) => c !== " ");
  const blank = characters.every((c) => isWhitespace(c));
  return characters
    .map((c, at) => {
      if (c === " ") return blank || at < leading || at >= trailing ? "·" : c;
      if (c === "\n") return "↵";
      if (c === "\t") return "→";
      const code = c.codePointAt(0) ?? 0;
      if (isControl(code) || isInvisible(code)) {
        return `⟨0x${code.toString(16).toUpperCase().padStart(2, "0")}⟩`;
      }
      return c;
    })
    .join("");
}

/** Cuts a text in the middle so that it takes at most `columns`. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  const room = Math.max(0, columns - 1);
  const characters = Array.from(text);
  const head = fitting(characters, Math.ceil(room / 2));
  const tail = fitting([...characters].reverse(), Math.floor(room / 2)).reverse();
  return `${head.join("")}…${tail.join("")}`;
}

function fitting(characters: string[], columns: number): string[] {
  const fits: string[] = [];
  let used = 0;
  for (const c of characters) {
    used += characterWidth(c);
    if (used > columns) break;
    fits.push(c);
  }
  return fits;
}

/** Columns of a text: wide East Asian characters and emoji take two, combining marks none. */
export function width(text: string): number {
  let columns = 0;
  for (const c of text) columns += characterWidth(c);
  return columns;
}

function within(code: number, ranges: readonly (readonly [number, number])[]): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}

/** Unicode's White_Space, as Rust's `char::is_whitespace`; `\s` has U+FEFF too, and lacks U+0085. */
function isWhitespace(c: string): boolean {
  return c === "\u0085" || (/\s/u.test(c) && c !== "\uFEFF");
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/** Formatting characters that draw nothing or reorder the line; shown, because they can hide text from a reader. */
const INVISIBLE = [
  [0xad, 0xad],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
] as const;

function isInvisible(code: number): boolean {
  return within(code, INVISIBLE);
}

const COMBINING = [
  [0x0300, 0x036f],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe00, 0xfe0f],
  [0xfe20, 0xfe2f],
] as const;

const WIDE = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
] as const;

function characterWidth(c: string): number {
  const code = c.codePointAt(0) ?? 0;
  if (within(code, COMBINING)) return 0;
  return within(code, WIDE) ? 2 : 1;
}
