// Selections move with their text, whatever is edited around them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { afterChange } from "../src/places";

/** Text to line and character, and back. */
function at(text: string, offset: number): { line: number; character: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length - 1, character: before[before.length - 1]?.length ?? 0 };
}
function offset(text: string, place: { line: number; character: number }): number {
  const lines = text.split("\n").slice(0, place.line);
  return lines.reduce((sum, line) => sum + line.length + 1, 0) + place.character;
}

test("what is typed inside a selection belongs to it, what is typed before it moves it", () => {
  const range = { start: { line: 0, character: 4 }, end: { line: 0, character: 8 } };
  const typed = (character: number, text: string) => ({
    range: { start: { line: 0, character }, end: { line: 0, character } },
    text,
  });
  expect(afterChange(range, typed(0, "ab"))).toEqual({
    start: { line: 0, character: 6 },
    end: { line: 0, character: 10 },
  });
  expect(afterChange(range, typed(6, "ab"))).toEqual({
    start: { line: 0, character: 4 },
    end: { line: 0, character: 10 },
  });
  expect(afterChange(range, typed(8, "ab"))).toEqual({
    start: { line: 0, character: 4 },
    end: { line: 0, character: 10 },
  });
  expect(afterChange(range, typed(9, "ab"))).toEqual(range);
  expect(afterChange(range, typed(0, "a\nb"))).toEqual({
    start: { line: 1, character: 5 },
    end: { line: 1, character: 9 },
  });
});

test("a change outside a selection leaves its text as it was", () => {
  const texts = fc
    .array(fc.constantFrom("a", "b", "\n", "é"), { maxLength: 30 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(texts, texts, fc.nat(), fc.nat(), fc.nat(), fc.nat(), (text, insert, a, b, c, d) => {
      const n = text.length + 1;
      const [from, to] = [a % n, b % n].sort((x, y) => x - y) as [number, number];
      const [start, end] = [c % n, d % n].sort((x, y) => x - y) as [number, number];
      const isOutside = end < from || start > to;
      fc.pre(isOutside && from < to);
      const changed = text.slice(0, start) + insert + text.slice(end);
      const range = { start: at(text, from), end: at(text, to) };
      const moved = afterChange(range, {
        range: { start: at(text, start), end: at(text, end) },
        text: insert,
      });
      expect(changed.slice(offset(changed, moved.start), offset(changed, moved.end))).toBe(
        text.slice(from, to),
      );
    }),
  );
});
