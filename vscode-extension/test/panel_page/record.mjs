// Records real answers of a model to three prompts into the JSON that the report entry reads, for looking at the panel.
// usage: node test/panel_page/record.mjs [LIMPID_BINARY] [LIMPID_HOME] [NAME]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "./language_server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const repo = join(here, "../../..");
const binary = process.argv[2] ?? join(repo, "target/release/limpid");
const home = process.argv[3] ?? join(repo, "tests/.cache/home");

// Public domain: Dickens and Melville.
const english =
  "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, " +
  "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of " +
  "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing " +
  "before us, we were all going direct to Heaven, we were all going direct the other way.\n" +
  "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing " +
  "particular to interest me on shore, I thought I would sail about a little and see the watery part of the world. " +
  "It is a way I have of driving off the spleen and regulating the circulation.\nWhenever I find myself growing grim " +
  "about the mouth; whenever it is a damp, drizzly November in my soul; whenever I find myself involuntarily pausing " +
  "before coffin warehouses, and bringing up the rear of every funeral I meet, then I account it high time to get to";

const only = process.argv[4];
const prompts = [
  { name: "france", title: "france.prompt", text: "The capital of France is", foil: null },
  {
    name: "reviews",
    title: "reviews.txt",
    text: readFileSync(join(repo, "tests/stories/reviews.txt"), "utf8").trimEnd(),
    foil: " bad",
  },
  { name: "english", title: "times.txt", text: english, foil: null },
  // Everything that could run, hide or reorder text, and a long run without a space.
  {
    name: "hostile",
    title: "<img src=x onerror=alert(1)>.txt",
    text:
      '<script>alert(1)</script><img src=x onerror="alert(2)"> [x](command:limpid.run) **b** \u001b[31mred\u001b[0m ' +
      "\u202Eevil\u202C \u200B\u2066x\u2069 </script><!-- ${1+1} שלום عالم e\u0301 👩‍👩‍👧 \t\n\n\n   | `a` ||\n" +
      "a".repeat(900) +
      "\nThe end is",
    foil: null,
  },
];

/** The strongest edges and the nodes that they need, renumbered, with steps: what `max_edges` answers. */
function cutRoutes(routes, most) {
  if (routes.steps) return routes;
  const edges = [...routes.edges].sort((a, b) => b.flow - a.flow).slice(0, most);
  const used = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const nodes = routes.nodes.filter((node) => used.has(node.node));
  const number = new Map(nodes.map((node, at) => [node.node, at]));
  const steps = [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1].map((share) => ({
    edges: Math.max(1, Math.round(edges.length * share)),
    shown: routes.shown * Math.min(1, share ** 0.35),
  }));
  return {
    ...routes,
    steps,
    nodes: nodes.map((node, at) => ({ ...node, node: at })),
    edges: edges.map((edge) => ({ ...edge, from: number.get(edge.from), to: number.get(edge.to) })),
  };
}

function rounded(_, value) {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}

const server = startServer(binary, home);
await server.ask("initialize", { capabilities: {} });
server.tell("initialized", {});
await server.ask("limpid/models", { action: "load" });
mkdirSync(join(here, "recorded"), { recursive: true });

for (const prompt of prompts.filter(({ name }) => !only || name === only)) {
  const uri = `file:///${encodeURIComponent(prompt.title)}`;
  server.tell("textDocument/didOpen", {
    textDocument: { uri, languageId: "plaintext", version: 1, text: prompt.text },
  });
  const base = { prompt: { uri, version: 1 }, ...(prompt.foil && { foil: prompt.foil }) };
  const answers = [];
  let subject = base;
  const record = async (method, params, change = (result) => result) => {
    try {
      const sent = { subject, ...params };
      const asked = { ...params };
      const result = change(await server.ask(method, sent));
      // The token table is told once; numbers beyond what is drawn are cut, so that maps stay small.
      const kept = answers.length === 0 ? result : { ...result, token_table: [] };
      answers.push({ method, params: asked, result: JSON.parse(JSON.stringify(kept, rounded)) });
      return result;
    } catch (error) {
      console.error(`${prompt.name} ${method} ${JSON.stringify(params)}: ${error.message}`);
      return null;
    }
  };
  const start = performance.now();
  const tokens = await record("limpid/tokens", {});
  const took = performance.now() - start;
  subject = { analysis: tokens.analysis };
  const target = tokens.view.target.position;
  const attribution = await record("limpid/attribution", { methods: ["atp", "flow"], top: 30 });
  const routes = await record(
    "limpid/routes",
    { max_edges: 6000, prune: "mass=0.98", top: 30 },
    (result) => ({
      ...result,
      view: { ...result.view, routes: cutRoutes(result.view.routes, 6000) },
    }),
  );
  await record("limpid/lens", {});
  for (const by of ["word", "line", "sentence", "paragraph", "example", "message"]) {
    await record("limpid/parts", { by });
  }
  const { nodes, edges } = routes.view.routes;
  const strongest = [...nodes]
    .sort((a, b) => b.flow - a.flow)
    .slice(0, tokens.token_table.length < 100 ? 150 : 40);
  const identity = (node) => ({ kind: node.kind, layer: node.layer, position: node.position });
  for (const node of strongest) {
    if (node.kind === "mlp") {
      await record("limpid/mlp", { layer: node.layer, position: node.position, top: 10 });
    } else {
      await record("limpid/node", { node: identity(node), top: 10 });
    }
  }
  for (const edge of edges.slice(0, 120)) {
    await record("limpid/edge", {
      from: identity(nodes[edge.from]),
      kind: edge.kind,
      to: identity(nodes[edge.to]),
    });
  }
  const heads = new Map();
  for (const row of [...attribution.view.heads, ...routes.view.heads])
    heads.set(`${row.layer}.${row.head}`, row);
  for (const { layer, head } of [...heads.values()].slice(0, tokens.token_table.length < 100 ? 60 : 4)) {
    await record("limpid/head", { head, layer, maps: true });
  }
  for (const row of attribution.view.neurons.slice(0, 20)) {
    await record("limpid/neuron", { layer: row.layer, neuron: row.neuron, position: row.position });
  }
  await record("limpid/neuron", { layer: 29, neuron: 1, position: target });
  await record("limpid/continue", { max_tokens: 32 });
  const others = prompt.foil
    ? [
        { objective: "log_odds" },
        {
          target: { position: target, token: tokens.view.target.foil.id },
          foil: tokens.view.target.id,
          objective: "log_odds",
        },
      ]
    : [{ target: { position: target, token: tokens.view.predictions[1].id } }];
  await record("limpid/compare", { with: others });
  if (tokens.token_table.length < 100) {
    await record("limpid/effect", { set: "parts" });
    await record("limpid/effect", { set: "token" });
    await record("limpid/effect", { set: "head", budget: { runs: 40 } });
    await record("limpid/effect", { set: "neuron", top: 10 });
  }
  const recorded = {
    version: 1,
    run: { title: prompt.title, model: tokens.model, took_ms: took, at: Date.now() },
    text: prompt.text,
    answers,
  };
  writeFileSync(join(here, "recorded", `${prompt.name}.json`), JSON.stringify(recorded));
  console.log(
    `${prompt.name}: ${tokens.token_table.length} tokens, ${answers.length} answers, ${took.toFixed(0)} ms`,
  );
}
server.stop();
