// What of the panel's look outlives a reload: read with care, because an older version may have written it.
// What must not live here: answers, measurements.
import type { Change } from "../src/generated/protocol";
import type { Selection } from "./messages";
import { NOTHING_SELECTED, type SelectionHistory } from "./selection_history";

/** A change that is listed to be made, and whether it is on. */
export interface Switch {
  change: Change;
  on: boolean;
  /** The document and model it is of: a head of one model means nothing in another. */
  of: string;
}

export type TabName = "routes" | "lens";

/** What the heat on the prompt shows. */
export type HeatKind = "attribution" | "flow" | "effect";

export interface PanelState {
  /** Sections that are open, by name. */
  open: Record<string, boolean>;
  tab: TabName;
  heat: HeatKind;
  history: SelectionHistory;
  switches: Switch[];
  /** Milliseconds that a set may take to measure; null: the editor's setting. */
  budget_ms: number | null;
}

export const FRESH: PanelState = {
  open: {},
  tab: "routes",
  heat: "attribution",
  history: NOTHING_SELECTED,
  switches: [],
  budget_ms: null,
};

/** The state as it was left; what cannot be read is fresh. */
export function readState(value: unknown): PanelState {
  if (typeof value !== "object" || value === null) return FRESH;
  const left = value as Partial<Record<keyof PanelState, unknown>>;
  const budget = left.budget_ms;
  return {
    open: isFlags(left.open) ? left.open : FRESH.open,
    tab: left.tab === "lens" ? "lens" : "routes",
    heat: left.heat === "flow" || left.heat === "effect" ? left.heat : "attribution",
    history: isHistory(left.history) ? left.history : FRESH.history,
    switches: Array.isArray(left.switches) ? left.switches.filter(isSwitch) : FRESH.switches,
    budget_ms: typeof budget === "number" && budget > 0 ? budget : null,
  };
}

function isFlags(value: unknown): value is Record<string, boolean> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((flag) => typeof flag === "boolean")
  );
}

function isHistory(value: unknown): value is SelectionHistory {
  if (typeof value !== "object" || value === null) return false;
  const { entries, at } = value as Partial<SelectionHistory>;
  return typeof at === "number" && Array.isArray(entries) && entries.every(isSelection);
}

function isSelection(value: unknown): value is Selection {
  return typeof value === "object" && value !== null && "kind" in value;
}

function isSwitch(value: unknown): value is Switch {
  return typeof value === "object" && value !== null && "change" in value && "of" in value;
}
