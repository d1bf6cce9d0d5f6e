// Which token stands at which step, which token is under a place, and in which order tokens are walked.
import { expect, test } from "vitest";
import { steps, tokenAt } from "../src/heat";
import { ranked } from "../src/walking";

test("steps are shares of the largest score, and the sink never sets the scale", () => {
  expect(steps([-9.7, 0.78, 0.6, -0.3, 0])).toEqual(["sink", 7, 5, -3, 0]);
  expect(steps([0, 0, 0])).toEqual(["sink", 0, 0]);
  expect(steps([5, 1, -1])).toEqual(["sink", 7, -7]);
});

test("a token is found by any place inside it, and added tokens by none", () => {
  const token = (index: number, from: number, to: number) => ({
    index,
    id: index,
    display: "x",
    range: { start: { line: 0, character: from }, end: { line: 0, character: to } },
  });
  const tokens = [{ index: 0, id: 0, display: "bos", range: null }, token(1, 0, 3), token(2, 3, 7)];
  expect(tokenAt(tokens, { line: 0, character: 0 })).toBe(1);
  expect(tokenAt(tokens, { line: 0, character: 3 })).toBe(2);
  expect(tokenAt(tokens, { line: 0, character: 7 })).toBeUndefined();
  expect(tokenAt(tokens, { line: 1, character: 0 })).toBeUndefined();
});

test("tokens are walked strongest first, without the sink and without added ones", () => {
  expect(ranked([-9, 0.5, -2, 1], (index) => index !== 3)).toEqual([2, 1]);
});
