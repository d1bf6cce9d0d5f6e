// Params that are worded in more than one place: a report answers exactly these.
// What must not live here: asking.
import type { Ask } from "./messages";

/** Rows of each ranking. */
export const TOP = 30;

/** The route graph: so many edges that a long prompt's shows as much as can be drawn in a frame. */
export const ROUTES: Ask<"limpid/routes"> = { max_edges: 6000, prune: "mass=0.98", top: TOP };

/** The method that heat shows, and flow beside it. */
export function attributionParams(method: string): Ask<"limpid/attribution"> {
  return { methods: method === "flow" ? ["flow"] : [method, "flow"], top: TOP };
}
