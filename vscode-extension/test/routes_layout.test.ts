// The route graph's layout: folding loses nothing, nothing overlaps, order is the prompt's, every edge's ends stand where they should.
// What must not live here: canvas, DOM.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fold, spanOf } from "../webview/routes/fold";
import { fitted, frameOf, legible, plotSize } from "../webview/routes/frame";
import { graphOf, heightOf, stepThatShows, type Graph } from "../webview/routes/graph";
import { hitIndex } from "../webview/routes/hit";
import { layoutOf, type LayoutWishes } from "../webview/routes/layout";
import { dominantHead, edgeSlots, headSlots, HEAD_COLOURS, SEVERAL_HEADS } from "../webview/routes/palette";
import { emptyShown, show, widthClass, WIDTHS } from "../webview/routes/shown";
import { trunksOf } from "../webview/routes/strokes";
import { strongestWay, walk } from "../webview/routes/walk";
import { synthetic } from "./drawing_page/synthetic";

const wishes = (nTokens: number, more: Partial<LayoutWishes> = {}): LayoutWishes => ({
  width: 900,
  height: 600,
  isTurned: false,
  nTokens,
  count: Infinity,
  keep: new Set([nTokens - 1]),
  unfoldedLayers: new Set(),
  ...more,
});

const graphs = fc
  .record({
    nTokens: fc.integer({ min: 1, max: 40 }),
    nLayers: fc.integer({ min: 1, max: 12 }),
    nEdges: fc.integer({ min: 0, max: 800 }),
    seed: fc.integer(),
  })
  .map(({ nTokens, nLayers, nEdges, seed }) => {
    const { routes } = synthetic(nTokens, nLayers, nEdges, seed);
    return { nTokens, graph: graphOf(routes) };
  });
const rooms = fc.record({
  width: fc.integer({ min: 1, max: 1500 }),
  height: fc.integer({ min: 1, max: 1000 }),
  isTurned: fc.boolean(),
});

describe("folding", () => {
  const strengths = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 80 });
  test("every position is in one span, in order", () => {
    fc.assert(
      fc.property(
        strengths,
        fc.integer({ min: 0, max: 100 }),
        fc.array(fc.integer({ min: -2, max: 90 })),
        (of, room, always) => {
          const spans = fold(of, { room, always: new Set(always), floor: 0 });
          const all = spans.flatMap(({ first, last }) =>
            Array.from({ length: last - first + 1 }, (_, at) => first + at),
          );
          expect(all).toEqual(of.map((_, at) => at));
          for (const { first, last, isFolded } of spans) expect(isFolded).toBe(last > first);
          for (const at of always.filter((place) => place >= 0 && place < of.length))
            expect(spans[spanOf(spans, of.length)[at] ?? -1]?.isFolded).toBe(false);
        },
      ),
    );
  });
  test("no more spans than there is room for, but for what must be kept", () => {
    fc.assert(
      fc.property(strengths, fc.integer({ min: 1, max: 100 }), (of, room) => {
        expect(fold(of, { room, always: new Set(), floor: 0 }).length).toBeLessThanOrEqual(Math.max(1, room));
      }),
    );
  });
  test("the strongest are kept", () => {
    const spans = fold([0.1, 0.2, 0.9, 0.1, 0.1, 0.1], { room: 3, always: new Set(), floor: 0 });
    expect(spans.map(({ first, last }) => [first, last])).toEqual([
      [0, 1],
      [2, 2],
      [3, 5],
    ]);
  });
  test("what carries nothing is folded where there is room too", () => {
    expect(fold([0, 0, 1, 0], { room: 99, always: new Set(), floor: 0 })).toHaveLength(3);
  });
});

describe("layout", () => {
  test("columns and rows stand in order, side by side", () => {
    fc.assert(
      fc.property(graphs, rooms, ({ nTokens, graph }, room) => {
        const layout = layoutOf(graph, wishes(nTokens, room));
        for (const [at, column] of layout.columns.entries())
          expect(column.at).toBeCloseTo((at + 0.5) * layout.pitch, 3);
        for (const [at, row] of layout.rows.entries()) {
          expect(row.to).toBeGreaterThan(row.from);
          expect(row.from).toBeCloseTo(layout.rows[at - 1]?.to ?? row.from, 3);
        }
        const along = layout.isTurned ? layout.y : layout.x;
        for (const one of graph.nodes)
          for (const other of graph.nodes.slice(0, 40))
            if (one.position < other.position && one.kind === other.kind)
              expect(along[one.node]).toBeLessThanOrEqual(along[other.node] ?? 0);
      }),
      { numRuns: 40 },
    );
  });

  test("nodes of tokens that are not folded do not stand in one place", () => {
    fc.assert(
      fc.property(graphs, rooms, ({ nTokens, graph }, room) => {
        const layout = layoutOf(graph, wishes(nTokens, room));
        const taken = new Set<string>();
        for (const node of graph.nodes) {
          if (layout.columns[layout.columnOf[node.position] ?? 0]?.span.isFolded) continue;
          const place = `${layout.x[node.node]?.toFixed(2)} ${layout.y[node.node]?.toFixed(2)}`;
          expect(taken.has(place)).toBe(false);
          taken.add(place);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("every edge has a line whose ends are its nodes' places; folding loses no flow", () => {
    fc.assert(
      fc.property(
        graphs,
        rooms,
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ nTokens, graph }, room, share) => {
          const count = Math.round(share * graph.edges.length);
          const layout = layoutOf(graph, wishes(nTokens, { ...room, count }));
          for (const [at, edge] of graph.edges.entries()) {
            const line = layout.lines[layout.lineOf[at] ?? -1];
            expect(line?.edges).toContain(at);
            const [x0, y0, , , x1, y1] = line?.curve ?? [];
            expect([x0, y0]).toEqual([layout.x[edge.from], layout.y[edge.from]]);
            expect([x1, y1]).toEqual([layout.x[edge.to], layout.y[edge.to]]);
          }
          const { flows } = show(emptyShown(graph, layout), graph, layout, count);
          const all = graph.edges.slice(0, count).reduce((sum, edge) => sum + edge.flow, 0);
          expect(flows.reduce((sum, flow) => sum + flow, 0)).toBeCloseTo(all, 3);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("everything is within the plot, and the plot within the room where it is fitted", () => {
    fc.assert(
      fc.property(graphs, rooms, ({ nTokens, graph }, room) => {
        const frame = frameOf(room.width, room.height, room.isTurned);
        const layout = layoutOf(graph, wishes(nTokens, { ...room, ...plotSize(frame) }));
        for (const at of graph.nodes.keys()) {
          expect(layout.x[at]).toBeGreaterThanOrEqual(0);
          expect(layout.x[at]).toBeLessThanOrEqual(layout.width + layout.pitch);
          expect(layout.y[at]).toBeGreaterThanOrEqual(0);
          expect(layout.y[at]).toBeLessThanOrEqual(layout.height + layout.pitch);
        }
        expect(layout.width * fitted(frame, layout).k).toBeLessThanOrEqual(plotSize(frame).width + 1e-6);
      }),
      { numRuns: 40 },
    );
  });

  test("the residual stream is drawn whole in fewer stretches than edges", () => {
    const { routes } = synthetic(60, 12, 2000);
    const graph = graphOf(routes);
    const layout = layoutOf(graph, wishes(60));
    const shown = show(emptyShown(graph, layout), graph, layout, graph.edges.length);
    const trunks = trunksOf(layout, shown);
    const length = (of: { x0: number; y0: number; x1: number; y1: number }[]) =>
      of.reduce((sum, { x0, y0, x1, y1 }) => sum + Math.hypot(x1 - x0, y1 - y0), 0);
    const lines = layout.lines.filter(({ kind }) => kind === "residual");
    expect(trunks.length).toBeLessThan(lines.length / 2);
    const single = lines.map(({ curve }) => ({ x0: curve[0], y0: curve[1], x1: curve[4], y1: curve[5] }));
    expect(length(trunks)).toBeCloseTo(length(single), 0);
  });

  test("what is unfolded stays unfolded", () => {
    const { routes } = synthetic(400, 6, 900);
    const graph = graphOf(routes);
    const folded = layoutOf(graph, wishes(400)).columns.find(({ span }) => span.isFolded)?.span;
    if (!folded) throw new Error("nothing was folded");
    const keep = new Set(
      Array.from({ length: folded.last - folded.first + 1 }, (_, at) => folded.first + at),
    );
    const layout = layoutOf(graph, wishes(400, { keep }));
    for (const at of keep) expect(layout.columns[layout.columnOf[at] ?? -1]?.span.isFolded).toBe(false);
  });

  test("layers in which nothing branches are one line", () => {
    const nodes = ["embed", "resid_mid", "resid_post"] as const;
    const routes = {
      prune: "mass=0.9",
      shown: 1,
      nodes: [
        { node: 0, kind: nodes[0], layer: 0, position: 0, flow: 1 },
        ...[0, 1, 2].flatMap((layer) => [
          { node: 1 + 2 * layer, kind: nodes[1], layer, position: 0, flow: 1 },
          { node: 2 + 2 * layer, kind: nodes[2], layer, position: 0, flow: 1 },
        ]),
      ],
      edges: [0, 1, 2, 3, 4, 5].map((from) => ({
        from,
        to: from + 1,
        kind: "residual" as const,
        contribution: 1,
        flow: 1,
        heads: [],
      })),
    };
    const layout = layoutOf(graphOf(routes), wishes(1));
    expect(layout.rows.map(({ span }) => span)).toEqual([{ first: 0, last: 2, isFolded: true }]);
  });
});

describe("slider", () => {
  test("looks up the first step that shows the share, else the last", () => {
    const steps = [0.2, 0.5, 0.8].map((shown, at) => ({ shown, edges: 10 * (at + 1) }));
    expect(stepThatShows(steps, 0.5)).toBe(1);
    expect(stepThatShows(steps, 0.51)).toBe(2);
    expect(stepThatShows(steps, 0.99)).toBe(2);
  });
  test("steps are worked out for files without", () => {
    const { routes } = synthetic(10, 4, 5000);
    const graph = graphOf({ ...routes, steps: undefined, shown: 0.9 });
    expect(graph.steps.at(-1)).toEqual({ edges: graph.edges.length, shown: 0.9 });
    for (const [at, step] of graph.steps.entries())
      expect(step.shown).toBeGreaterThanOrEqual((graph.steps[at - 1]?.shown ?? 0) - 1e-9);
  });
  test("widths rise with flow", () => {
    const line = {
      kind: "attention" as const,
      isLocal: false,
      edges: [],
      curve: [0, 0, 0, 0, 0, 0] as const,
    };
    expect(widthClass(line, 0, 0.5)).toBe(0);
    expect(widthClass(line, 0.5, 0.5)).toBe(WIDTHS - 1);
    expect(widthClass(line, 9, 0.5)).toBe(WIDTHS - 1);
  });
});

describe("pointing and walking", () => {
  const { routes } = synthetic(30, 8, 1200);
  const graph: Graph = graphOf(routes);
  const layout = layoutOf(graph, wishes(30));
  const shown = show(emptyShown(graph, layout), graph, layout, graph.edges.length);
  const index = hitIndex(layout);

  test("a node is found at its place, a line on its way", () => {
    for (const at of graph.nodes.keys()) {
      if ((shown.marks[at] ?? 0) === 0) continue;
      const hit = index.at(layout.x[at] ?? 0, layout.y[at] ?? 0, 5, shown);
      expect(hit && "node" in hit).toBe(true);
      const found = hit && "node" in hit ? hit.node : -1;
      expect(layout.x[found]).toBeCloseTo(layout.x[at] ?? 0, 1);
    }
    const long = layout.lines.find(({ kind, isLocal }) => kind === "attention" && !isLocal);
    const [x0, y0, x1, y1, x2, y2] = long?.curve ?? [0, 0, 0, 0, 0, 0];
    const hit = index.at((x0 + 2 * x1 + x2) / 4, (y0 + 2 * y1 + y2) / 4, 4, shown);
    expect(hit).not.toBeNull();
    expect(index.at(-100, -100, 5, shown)).toBeNull();
  });

  test("down leads to a token in the end, and never in a circle", () => {
    let at = graph.top;
    for (let step = 0; step < 100; step++) {
      const next = walk(graph, shown, at, "down");
      if (next === at) break;
      expect(heightOf(graph.nodes[next])).toBeLessThan(heightOf(graph.nodes[at]));
      at = next;
    }
    expect(graph.nodes[at]?.kind).toBe("embed");
    expect(strongestWay(graph, shown.count, graph.top).length).toBeGreaterThan(0);
  });

  test("aside stays at its height", () => {
    const left = walk(graph, shown, graph.nodes.length - 2, "left");
    expect(heightOf(graph.nodes[left])).toBe(heightOf(graph.nodes[graph.nodes.length - 2]));
  });
});

describe("colours of heads", () => {
  const edge = (contributions: number[]) => ({
    from: 0,
    to: 1,
    kind: "attention" as const,
    contribution: 0.1,
    flow: 0.1,
    heads: contributions.map((contribution, head) => ({ head, contribution })),
  });
  test("a head dominates with more than half", () => {
    expect(dominantHead(edge([0.6, 0.3]))).toBe(0);
    expect(dominantHead(edge([0.3, 0.3]))).toBeNull();
    expect(dominantHead(edge([]))).toBeNull();
  });
  test("one head, one colour; one colour, one head", () => {
    fc.assert(
      fc.property(graphs, ({ graph }) => {
        const slots = headSlots(graph);
        expect(new Set(slots.map(({ slot }) => slot)).size).toBe(slots.length);
        expect(slots.length).toBeLessThanOrEqual(HEAD_COLOURS);
        const of = edgeSlots(graph, slots);
        for (const [at, row] of graph.edges.entries())
          if (row.kind !== "attention" || dominantHead(row) === null) expect(of[at]).toBe(SEVERAL_HEADS);
      }),
      { numRuns: 20 },
    );
  });
});

test("labels that stand beside one another do not overlap, and the strongest is there", () => {
  const labels = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 800, noNaN: true }),
      strength: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(labels, (of) => {
      const places = legible(of, 13, 0, 800).map((at) => of[at]?.at ?? 0);
      for (const [at, place] of places.entries())
        for (const other of places.slice(at + 1)) expect(Math.abs(place - other)).toBeGreaterThanOrEqual(13);
      expect(places.length).toBeGreaterThan(0);
    }),
  );
});
