// What the editor asks the panel to open, and to do there.
// What must not live here: the sections.
import { asComponent } from "./inspector/titles";
import { switchable } from "./interventions";
import type { RunHead, ToPanel } from "./messages";
import type { Panel } from "./panel_model";

type SectionRequest = Extract<ToPanel, { type: "section" }>;

/** The section's name in the panel. */
const NAMES: Record<SectionRequest["name"], string> = {
  effects: "effects",
  compare: "compare",
  lens: "ways",
  routes: "ways",
  parts: "by-part",
};

export function showSection(panel: Panel, { name, act }: SectionRequest): void {
  if (name === "lens" || name === "routes") panel.change({ tab: name });
  const section = NAMES[name];
  panel.openSection(section);
  if (act === "switchOff") switchOff(panel);
  if (act === "clearSwitches") {
    panel.change({ switches: panel.state.value.switches.filter(({ of }) => of !== panel.scope) });
  }
  if (act === "last") panel.comparing.value = keyOfLast(panel.run, panel.runs.value.history);
  if (act === "models") panel.comparing.value = "models";
  broughtIntoView(section);
}

/** So long a section is kept in view while its content arrives, unless the person does something. */
const KEPT_MS = 5000;

/** Scrolls to a section's head, once it is drawn and again as what is in it arrives. */
export function broughtIntoView(section: string): void {
  requestAnimationFrame(() => {
    const element = document.querySelector(`.section.${section}`);
    if (!element) return;
    const growing = new ResizeObserver(() => element.scrollIntoView({ block: "start" }));
    growing.observe(element);
    const stop = () => growing.disconnect();
    for (const event of ["wheel", "pointerdown", "keydown"]) {
      addEventListener(event, stop, { once: true, passive: true });
    }
    setTimeout(stop, KEPT_MS);
  });
}

function switchOff(panel: Panel): void {
  const { selection, run } = panel;
  const can = selection && switchable(asComponent(selection), run?.target ?? null, true);
  if (can && "off" in can) panel.addSwitch(can.off);
}

/** The run before this one of the same document: one whose text has changed since, if there is one. */
export function keyOfLast(run: RunHead | null, history: readonly RunHead[]): string {
  const others = history
    .filter(({ id, uri }) => id !== run?.id && uri === run?.uri)
    .sort((a, b) => Number(b.is_stale) - Number(a.is_stale) || b.at - a.at);
  return others[0] ? `run ${others[0].id}` : "";
}
