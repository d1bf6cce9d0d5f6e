// Routes and lens in one frame: two pictures of how the prediction was made.
// What must not live here: the pictures (routes/, lens/).
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { Section } from "../controls/section";
import { Waiting } from "../controls/waiting";
import { LensGrid } from "../lens/lens_grid";
import { useAnswer, usePanel, useTokens } from "../panel_model";
import type { TabName } from "../panel_state";
import { useRoutes } from "../questions";
import { RoutesView } from "../routes/routes_view";
import { toPng, toSvg } from "../routes/save";
import type { Surface } from "../routes/surface";
import { showDrawing } from "../saving";
import { current } from "../selection_history";

const TABS: { name: TabName; title: string; hint: string }[] = [
  { name: "routes", title: "Routes", hint: "Along which ways the prediction came (r)" },
  { name: "lens", title: "Lens", hint: "What each layer would predict at each token (l)" },
];

/** Below it the picture is turned: tokens top to bottom. */
const NARROW = 520;

export function TabsSection() {
  const panel = usePanel();
  const { tab } = useCell(panel.state);
  const show = (name: TabName) => {
    panel.change({ tab: name });
    document.getElementById(`tab-${name}`)?.focus();
  };
  return (
    <Section
      name="ways"
      title="Routes and lens"
      isOpenAtFirst
      actions={
        <div class="tabs" role="tablist" aria-label="Ways to the prediction">
          {TABS.map(({ name, title, hint }, at) => (
            <button
              key={name}
              id={`tab-${name}`}
              type="button"
              role="tab"
              aria-selected={name === tab}
              aria-controls="ways-picture"
              tabIndex={name === tab ? 0 : -1}
              title={hint}
              onClick={() => show(name)}
              onKeyDown={(event) => {
                const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
                const next = TABS[(at + step + TABS.length) % TABS.length];
                if (step !== 0 && next) show(next.name);
              }}
            >
              {title}
            </button>
          ))}
        </div>
      }
    >
      {() => (
        <div
          id="ways-picture"
          class={`ways-picture ${tab}`}
          role="tabpanel"
          aria-labelledby={`tab-${tab}`}
          onKeyDown={(event) => {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            if (event.key === "l") show("lens");
            if (event.key === "r") show("routes");
          }}
        >
          {tab === "routes" ? <RoutesTab /> : <LensTab />}
        </div>
      )}
    </Section>
  );
}

function RoutesTab() {
  const panel = usePanel();
  const { settings, shown: run, notes } = useCell(panel.runs);
  const selection = current(useCell(panel.state).history);
  const pointed = useCell(panel.pointed);
  const tokens = useTokens();
  const routes = useRoutes();
  // Only for what a hover tells of a node: asked for once the routes are there to be hovered.
  const lens = useAnswer("limpid/lens", routes.status === "answer" ? {} : null);
  const { box, isNarrow } = useNarrow();
  return (
    <div ref={box} class="ways-room">
      <Waiting answer={routes} what="the routes">
        {({ view }) => (
          <RoutesView
            key={run?.id}
            routes={view.routes}
            tokens={tokens}
            target={view.target}
            selection={selection}
            onSelect={(chosen) => panel.select(chosen)}
            onPoint={(token) => panel.point(token)}
            pointed={pointed}
            mass={settings.routes_mass}
            numbers={settings.numbers}
            notes={notes}
            narrow={isNarrow}
            lens={lens.status === "answer" ? lens.result.view : undefined}
            onSurface={savesFrom}
          />
        )}
      </Waiting>
    </div>
  );
}

function LensTab() {
  const panel = usePanel();
  const { settings } = useCell(panel.runs);
  const selection = current(useCell(panel.state).history);
  const pointed = useCell(panel.pointed);
  const tokens = useTokens();
  const answer = useAnswer("limpid/lens", {});
  return (
    <Waiting answer={answer} what="the lens">
      {({ view }) => (
        <LensGrid
          lens={view}
          tokens={tokens}
          target={view.target}
          selection={selection}
          onSelect={(chosen) => panel.select(chosen)}
          onPoint={(token) => panel.point(token)}
          pointed={pointed}
          numbers={settings.numbers}
        />
      )}
    </Waiting>
  );
}

/** The routes on view can be saved as a picture. */
function savesFrom(surface: Surface | null): void {
  showDrawing(
    surface && {
      svg: () => surface.scene && toSvg(surface.scene),
      png: async () => surface.scene && toPng(surface.scene),
    },
  );
}

/** Whether the picture's frame is narrow, watched while it is there. */
function useNarrow() {
  const box = useRef<HTMLDivElement>(null);
  const [isNarrow, setIsNarrow] = useState(true);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setIsNarrow(entry.contentRect.width < NARROW);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, isNarrow };
}
