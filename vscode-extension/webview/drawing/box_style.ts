// Pixels as CSS: Preact adds no unit to numbers.
// What must not live here: any other style.

/** A place and a size in pixels as an element's style. */
export function boxStyle(box: {
  left?: number;
  top?: number;
  width: number;
  height: number;
}): Record<string, string> {
  return Object.fromEntries(Object.entries(box).map(([name, value]) => [name, `${value}px`]));
}
