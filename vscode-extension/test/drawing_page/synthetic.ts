// Makes a route graph that looks like a real one, from a seed: for measuring at sizes no recording has, and for property tests.
// What must not live here: real data (record.mjs).
import type {
  LensView,
  RouteEdge,
  RouteNode,
  Routes,
  TableToken,
  Target,
} from "../../src/generated/protocol";

export interface Drawn {
  tokens: TableToken[];
  target: Target;
  routes: Routes;
  lens: LensView;
  head: { pattern_map: number[][]; contribution_map: number[][]; position: number };
}

/** A small generator of its own, so that a seed gives the same graph everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = [
  "·the",
  "·dough",
  "·of",
  "·grandmother",
  ",",
  "·bread",
  "·and",
  "·waited",
  ".",
  "·for",
  "·two",
  "↵",
  "·water",
];

export function synthetic(nTokens: number, nLayers: number, nEdges: number, seed = 7): Drawn {
  const next = random(seed);
  const pick = (below: number) => Math.floor(next() * below);
  const tokens = Array.from({ length: nTokens }, (_, index) => ({
    index,
    id: index,
    display: WORDS[pick(WORDS.length)] ?? "",
    range: null,
  }));
  const position = nTokens - 1;
  const target: Target = { position, id: 1, text: " Paris", foil: null };
  const read = Array.from({ length: Math.max(3, Math.ceil(nTokens / 6)) }, () => pick(nTokens));

  const nodes: RouteNode[] = [];
  const places = new Map<string, number>();
  const add = (kind: RouteNode["kind"], layer: number, at: number, flow: number) => {
    places.set(`${kind} ${layer} ${at}`, nodes.length);
    nodes.push({ node: nodes.length, kind, layer, position: at, flow });
  };
  const edges: {
    from: string;
    to: string;
    kind: RouteEdge["kind"];
    contribution: number;
    flow: number;
    heads: RouteEdge["heads"];
  }[] = [];
  // Mass at each token on the way down: what reaches the residual stream after a layer.
  let mass = new Float64Array(nTokens);
  mass[position] = 1;
  const rows: { kind: RouteNode["kind"]; layer: number; at: number; flow: number }[] = [];
  for (let layer = nLayers - 1; layer >= 0; layer--) {
    const below = new Float64Array(nTokens);
    const lower = layer === 0 ? "embed 0" : `resid_post ${layer - 1}`;
    for (let at = nTokens - 1; at >= 0; at--) {
      const own = mass[at] ?? 0;
      if (own < 1e-6) continue;
      const post = `resid_post ${layer} ${at}`;
      const mid = `resid_mid ${layer} ${at}`;
      const mlp = `mlp ${layer} ${at}`;
      rows.push({ kind: "resid_post", layer, at, flow: own }, { kind: "resid_mid", layer, at, flow: own });
      const through = 0.02 + 0.2 * next() ** 3;
      rows.push({ kind: "mlp", layer, at, flow: own * through });
      edges.push({
        from: mid,
        to: post,
        kind: "residual",
        contribution: 1 - through,
        flow: own * (1 - through),
        heads: [],
      });
      edges.push({
        from: mid,
        to: mlp,
        kind: "mlp_in",
        contribution: through,
        flow: own * through,
        heads: [],
      });
      edges.push({
        from: mlp,
        to: post,
        kind: "mlp_out",
        contribution: through,
        flow: own * through,
        heads: [],
      });
      const sources = new Set([
        0,
        at,
        Math.max(0, at - 1),
        ...[1, 2, 3].map(() => read[pick(read.length)] ?? 0),
      ]);
      let left = 1;
      for (const source of sources) {
        if (source > at) continue;
        const share = (source === at ? 0.02 : 0.05) * next() ** 2 + (next() < 0.02 ? 0.15 * next() : 0);
        left -= share;
        const heads = headsOf(share, next, pick);
        edges.push({
          from: `${lower} ${source}`,
          to: mid,
          kind: "attention",
          contribution: share,
          flow: own * share,
          heads,
        });
        below[source] = (below[source] ?? 0) + own * share;
      }
      edges.push({
        from: `${lower} ${at}`,
        to: mid,
        kind: "residual",
        contribution: left,
        flow: own * left,
        heads: [],
      });
      below[at] = (below[at] ?? 0) + own * left;
    }
    mass = below;
  }
  for (const [at, flow] of mass.entries()) if (flow > 0) add("embed", 0, at, flow);
  for (const row of rows.reverse()) add(row.kind, row.layer, row.at, row.flow);
  const strongest = edges
    .filter(({ from, to }) => places.has(from) && places.has(to))
    .sort((a, b) => b.flow - a.flow)
    .slice(0, nEdges)
    .map((edge): RouteEdge => ({ ...edge, from: places.get(edge.from) ?? 0, to: places.get(edge.to) ?? 0 }));
  const steps = Array.from({ length: 60 }, (_, at) => ({
    edges: Math.round((strongest.length * (at + 1)) / 60),
    shown: (0.9 * (at + 1)) / 60,
  }));
  const routes: Routes = { prune: "mass=0.9", shown: 0.9, nodes, edges: strongest, steps };
  return {
    tokens,
    target,
    routes,
    lens: lensOf(nTokens, nLayers, target, next),
    head: headOf(nTokens, next),
  };
}

function headsOf(share: number, next: () => number, pick: (below: number) => number): RouteEdge["heads"] {
  const first = share * (0.3 + 0.6 * next());
  return [
    { head: pick(9), contribution: first },
    { head: pick(9), contribution: share - first },
  ];
}

function lensOf(nTokens: number, nLayers: number, target: Target, next: () => number): LensView {
  const lens = Array.from({ length: nLayers + 1 }, (_, layer) =>
    Array.from({ length: nTokens }, (_, at) => {
      const sure = (layer / nLayers) ** 4 * next() * (at === target.position ? 1 : 0.3);
      const rank = sure > 0.4 ? 1 : 1 + Math.floor(49_000 * (1 - layer / nLayers) * next());
      return {
        id: at,
        text: ` word${at % 97}`,
        prob: 0.2 + 0.7 * next(),
        target_prob: sure,
        target_rank: rank,
      };
    }),
  );
  return { target, positions: Array.from({ length: nTokens }, (_, at) => at), lens };
}

function headOf(nTokens: number, next: () => number): Drawn["head"] {
  const map = Array.from({ length: nTokens }, (_, row) => {
    const raw = Array.from(
      { length: row + 1 },
      (_, key) => (key === 0 ? 2 : next() ** 6) + (key === row ? 0.3 : 0),
    );
    const sum = raw.reduce((all, value) => all + value, 0);
    return raw.map((value) => value / sum);
  });
  return {
    pattern_map: map,
    contribution_map: map.map((row) => row.map((value) => value * 0.1)),
    position: nTokens - 1,
  };
}
