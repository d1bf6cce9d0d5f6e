// Where tokens lie on the page: which one an event hit, and which one lies a line above or below.
// What must not live here: what tokens mean.

/** The token's index that an event's target belongs to. */
export function indexOf(target: EventTarget | null): number | null {
  const element = target instanceof Element ? target.closest("[data-token]") : null;
  const index = element?.getAttribute("data-token");
  return index === null || index === undefined ? null : Number(index);
}

/** The token nearest to the same column on the line above (-1) or below (1); the same one where there is no such line. */
export function lineAway(box: HTMLElement | null, from: number, direction: -1 | 1): number {
  const start = box?.querySelector(`[data-token="${from}"]`)?.getBoundingClientRect();
  if (!box || !start) return from;
  let best = from;
  let bestLine = Infinity;
  let bestAcross = Infinity;
  for (const element of box.querySelectorAll("[data-token]")) {
    const place = element.getBoundingClientRect();
    const down = (place.top - start.top) * direction;
    if (down < start.height / 2) continue;
    const across = Math.abs(place.left - start.left);
    if (down < bestLine - 2 || (Math.abs(down - bestLine) <= 2 && across < bestAcross)) {
      best = Number(element.getAttribute("data-token"));
      bestLine = down;
      bestAcross = across;
    }
  }
  return best;
}

/** Scrolls the strip, and nothing around it, so that a token is in view. */
export function scrollTo(box: HTMLElement | null, index: number): void {
  const frame = box?.parentElement;
  const token = box?.querySelector<HTMLElement>(`[data-token="${index}"]`);
  if (!frame || !token) return;
  const outer = frame.getBoundingClientRect();
  const inner = token.getBoundingClientRect();
  if (inner.top < outer.top) frame.scrollTop -= outer.top - inner.top + 4;
  if (inner.bottom > outer.bottom) frame.scrollTop += inner.bottom - outer.bottom + 4;
}
