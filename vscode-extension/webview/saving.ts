// What the panel saves: the routes on view as a picture, the run as Markdown. Other kinds are made by the home.
// What must not live here: the drawing itself, the Markdown's wording (run_markdown.ts).
import type { SaveKind } from "./messages";
import type { Panel } from "./panel_model";
import { attributionParams } from "./questions_params";
import { runMarkdown } from "./run_markdown";

/** How the picture on view is drawn into a file; null: nothing is drawn yet. */
export interface Drawing {
  svg: () => string | null;
  png: () => Promise<string | null>;
}

let onView: Drawing | null = null;

/** Tells which picture is on view; the view takes it back when it goes. */
export function showDrawing(drawing: Drawing | null): void {
  onView = drawing;
}

/** Hands the run to the home, to be saved as `kind`. */
export async function saveAs(panel: Panel, kind: SaveKind): Promise<void> {
  panel.home.send({ type: "save", kind, data: await dataOf(panel, kind) });
}

async function dataOf(panel: Panel, kind: SaveKind): Promise<string | null> {
  if (kind === "markdown") return markdownOf(panel);
  if (kind !== "svg" && kind !== "png") return null;
  const drawing = await drawingOf(panel);
  return kind === "svg" ? (drawing?.svg() ?? null) : ((await drawing?.png()) ?? null);
}

/** Frames that a picture is waited for: two seconds. */
const PATIENCE = 120;

/** The routes' picture; it is brought on view first where it is not. */
async function drawingOf(panel: Panel): Promise<Drawing | null> {
  if (!onView) {
    panel.openSection("ways");
    panel.change({ tab: "routes" });
  }
  for (let frame = 0; frame < PATIENCE && !onView?.svg(); frame++) {
    await new Promise((done) => requestAnimationFrame(done));
  }
  return onView;
}

function markdownOf(panel: Panel): string | null {
  const { run, answers, measuring } = panel;
  if (!run) return null;
  const tokens = answers.known(run.id, "limpid/tokens", {});
  const params = attributionParams(panel.runs.value.settings.method);
  const attribution = answers.known(run.id, "limpid/attribution", params);
  return runMarkdown({
    run,
    tokens: tokens && { table: tokens.token_table, view: tokens.view },
    attribution: attribution?.view ?? null,
    measured: measuring.measured.value,
    notes: panel.runs.value.notes,
  });
}
