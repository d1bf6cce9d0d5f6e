// The canvas of the route graph: holds what is drawn, draws at most once a frame, zooms and pans.
// What must not live here: Preact, pointers' meaning (stage.tsx), drawing itself (paint.ts).
import { select } from "d3-selection";
import { zoom, zoomIdentity, type D3ZoomEvent } from "d3-zoom";
import { fitted, type View } from "./frame";
import { hitIndex, type Hit, type HitIndex } from "./hit";
import { paintPlot, type Pen } from "./paint";
import { paintAxes } from "./paint_axes";
import type { Scene } from "./scene";
import { show } from "./shown";

/** How near a pointer must be, CSS pixels. */
const REACH = 7;

export class Surface {
  #scene: Scene | null = null;
  #view: View = { x: 0, y: 0, k: 1 };
  #index: HitIndex | null = null;
  #frame = 0;
  #areAxesStale = true;
  #isFitted = true;
  readonly #zoom = zoom<HTMLElement, unknown>();
  readonly #stage;

  constructor(
    private readonly plot: HTMLCanvasElement,
    /** Apart from the plot, for its text is dear and stands still while the slider moves. */
    private readonly axes: HTMLCanvasElement,
    stage: HTMLElement,
    /** Told after each change of the view, so that an overlay can follow. */
    private readonly onView: (view: View) => void,
  ) {
    this.#stage = select<HTMLElement, unknown>(stage);
    this.#zoom.scaleExtent([0.05, 12]).on("zoom", (event: D3ZoomEvent<HTMLElement, unknown>) => {
      // A change the user made, rather than one that fits the picture.
      if (event.sourceEvent !== null) this.#isFitted = false;
      this.#follow(event.transform);
    });
    this.#stage.call(this.#zoom).on("dblclick.zoom", null);
  }

  /** Takes a new scene: other data, another layout, size or theme. */
  set(scene: Omit<Scene, "view">): void {
    const isNew = this.#scene?.layout !== scene.layout || this.#scene.frame !== scene.frame;
    this.#scene = { ...scene, view: this.#view };
    if (isNew) {
      this.#index = null;
      if (this.#isFitted) this.fit();
    }
    this.#areAxesStale = true;
    this.draw();
  }

  /** Shows the first so many edges. The slider calls this on each move; nothing but the canvas changes. */
  setCount(count: number): void {
    if (!this.#scene || this.#scene.shown.count === count) return;
    show(this.#scene.shown, this.#scene.graph, this.#scene.layout, count);
    this.draw();
  }

  /** Draws in the next frame, once however often it was asked for. */
  draw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  /** The scene as it stands, for saving. */
  get scene(): Scene | null {
    return this.#scene;
  }

  fit(): void {
    if (!this.#scene) return;
    const { x, y, k } = fitted(this.#scene.frame, this.#scene.layout);
    this.#isFitted = true;
    this.#stage.call((stage) => this.#zoom.transform(stage, zoomIdentity.translate(x, y).scale(k)));
  }

  zoomBy(factor: number): void {
    this.#isFitted = false;
    this.#stage.call((stage) => this.#zoom.scaleBy(stage, factor));
  }

  /** Moves the picture, if it must, so that a point of the plot is in sight. */
  reveal(x: number, y: number): void {
    if (!this.#scene) return;
    const { frame, view } = this.#scene;
    const inside = (at: number, from: number, to: number) => Math.min(Math.max(at, from), to) - at;
    const dx = inside(view.x + x * view.k, frame.left + 8, frame.width - frame.right - 8);
    const dy = inside(view.y + y * view.k, frame.top + 8, frame.height - frame.bottom - 8);
    if (dx !== 0 || dy !== 0)
      this.#stage.call((stage) => this.#zoom.translateBy(stage, dx / view.k, dy / view.k));
  }

  /** What lies under a point of the canvas. */
  hit(x: number, y: number): Hit | null {
    const scene = this.#scene;
    if (!scene || !this.#isInPlot(x, y)) return null;
    this.#index ??= hitIndex(scene.layout);
    const { view } = scene;
    return this.#index.at((x - view.x) / view.k, (y - view.y) / view.k, REACH / view.k, scene.shown);
  }

  /** The column under a point of the canvas, its label included; null: none. */
  columnAt(x: number, y: number): number | null {
    const scene = this.#scene;
    if (!scene) return null;
    const { layout, view, frame } = scene;
    const isBeside = layout.isTurned ? x > frame.width - frame.right : y < frame.top;
    const along = layout.isTurned ? (y - view.y) / view.k : (x - view.x) / view.k;
    const at = Math.floor(along / layout.pitch);
    return isBeside || layout.columns[at] === undefined ? null : at;
  }

  /** The row of layers whose label or folded band is under a point. */
  rowAt(x: number, y: number): number | null {
    const scene = this.#scene;
    if (!scene) return null;
    const { layout, view, frame } = scene;
    if (layout.isTurned ? y > frame.height - frame.bottom : x > frame.width - frame.right) return null;
    const along = layout.isTurned ? (x - view.x) / view.k : layout.height - (y - view.y) / view.k;
    const at = layout.rows.findIndex(({ from, to }) => from <= along && along < to);
    return at < 0 ? null : at;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#stage.on(".zoom", null);
  }

  #isInPlot(x: number, y: number): boolean {
    const frame = this.#scene?.frame;
    if (!frame) return false;
    return (
      x > frame.left - 8 &&
      x < frame.width - frame.right + 8 &&
      y > frame.top - 8 &&
      y < frame.height - frame.bottom + 8
    );
  }

  #follow({ x, y, k }: View): void {
    this.#view = { x, y, k };
    if (this.#scene) this.#scene.view = this.#view;
    this.onView(this.#view);
    this.#areAxesStale = true;
    this.draw();
  }

  #drawNow(): void {
    const scene = this.#scene;
    if (!scene || scene.frame.width < 2) return;
    const density = Math.min(3, Math.max(1, devicePixelRatio));
    performance.mark("limpid-paint-start");
    const plot = sized(this.plot, scene, density, false);
    if (plot) paintPlot(plot, scene, density);
    const axes = this.#areAxesStale ? sized(this.axes, scene, density, true) : null;
    if (axes) {
      axes.setTransform(density, 0, 0, density, 0, 0);
      axes.clearRect(0, 0, scene.frame.width, scene.frame.height);
      paintAxes(axes, scene);
      this.#areAxesStale = false;
    }
    performance.measure("limpid-paint", "limpid-paint-start");
  }
}

/** A canvas's pen, the canvas made the size of the scene. */
function sized(canvas: HTMLCanvasElement, { frame }: Scene, density: number, alpha: boolean): Pen | null {
  const width = Math.round(frame.width * density);
  const height = Math.round(frame.height * density);
  // Setting either clears the canvas and its memory: only where it must be.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas.getContext("2d", { alpha });
}
