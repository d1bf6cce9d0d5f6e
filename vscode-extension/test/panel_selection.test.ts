// Back and forward through what was looked at.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Selection } from "../webview/messages";
import { readState } from "../webview/panel_state";
import { canGo, clear, current, go, NOTHING_SELECTED, select } from "../webview/selection_history";

const at = (position: number): Selection => ({ kind: "position", position });

describe("selection history", () => {
  it("goes back, forward, and forgets what lay forward", () => {
    let history = [at(1), at(2), at(3)].reduce(select, NOTHING_SELECTED);
    history = go(go(history, -1), -1);
    expect(current(history)).toEqual(at(1));
    expect(canGo(history, -1)).toBe(false);
    expect(current(go(history, 1))).toEqual(at(2));
    history = select(history, at(9));
    expect(canGo(history, 1)).toBe(false);
    expect(history.entries).toEqual([at(1), at(9)]);
  });

  it("keeps the same selection once", () => {
    const once = select(NOTHING_SELECTED, at(1));
    expect(select(once, at(1))).toBe(once);
  });

  it("looks at nothing, one step from where it was", () => {
    const history = clear(select(NOTHING_SELECTED, at(4)));
    expect(current(history)).toBeNull();
    expect(current(go(history, -1))).toEqual(at(4));
    expect(clear(history)).toBe(history);
    expect(current(select(history, at(5)))).toEqual(at(5));
  });

  it("stays within its bounds whatever is done", () => {
    const step = fc.oneof(fc.nat(9), fc.constantFrom("back", "forward", "clear"));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let history = NOTHING_SELECTED;
        for (const one of steps) {
          if (typeof one === "number") history = select(history, at(one));
          else if (one === "clear") history = clear(history);
          else history = go(history, one === "back" ? -1 : 1);
          expect(history.entries.length).toBeLessThanOrEqual(50);
          expect(history.at).toBeLessThanOrEqual(history.entries.length);
        }
      }),
    );
  });
});

describe("the state that is restored", () => {
  it("is fresh where it cannot be read", () => {
    for (const broken of [null, 3, "x", { history: { at: "1" }, open: { a: 1 }, switches: [null], tab: 9 }]) {
      expect(readState(broken)).toMatchObject({ tab: "routes", history: NOTHING_SELECTED, switches: [] });
    }
  });

  it("comes back as it was left", () => {
    const left = {
      open: { effects: true },
      tab: "lens",
      heat: "flow",
      history: select(NOTHING_SELECTED, at(2)),
      switches: [{ change: "head 1.2", on: false, of: "a b" }],
      budget_ms: 5000,
    };
    expect(readState(JSON.parse(JSON.stringify(left)))).toEqual(left);
  });
});
