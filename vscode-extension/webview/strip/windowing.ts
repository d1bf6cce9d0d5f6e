// Which of a long prompt's tokens are drawn: a window of them, moved by steps, so that ten thousand cost no more than one.
// What must not live here: anything drawn.

/** Tokens `start..end` of all. */
export interface TokenWindow {
  start: number;
  end: number;
}

/** Tokens drawn at once; with room for whatever else the page holds below 3,000 nodes. */
export const MOST_TOKENS = 700;

/** The window of a prompt of `count` tokens that holds `focus`; where the prompt ends if nothing is in focus. */
export function windowAround(count: number, focus: number | null, most = MOST_TOKENS): TokenWindow {
  if (count <= most) return { start: 0, end: count };
  const middle = focus ?? count - 1;
  const start = Math.max(0, Math.min(count - most, middle - Math.floor(most / 2)));
  return { start, end: start + most };
}

/** The same window where it holds `focus`, else one around it: what is drawn moves no more than it must. */
export function keepOrMove(
  shown: TokenWindow,
  count: number,
  focus: number | null,
  most = MOST_TOKENS,
): TokenWindow {
  const fits = shown.end <= count && shown.end - shown.start === Math.min(count, most);
  const holds = focus === null || (focus >= shown.start && focus < shown.end);
  return fits && holds ? shown : windowAround(count, focus, most);
}

/** The window half its size earlier or later. */
export function moved(shown: TokenWindow, count: number, direction: -1 | 1, most = MOST_TOKENS): TokenWindow {
  const step = Math.floor(most / 2) * direction;
  const start = Math.max(0, Math.min(count - most, shown.start + step));
  return { start, end: Math.min(count, start + most) };
}
