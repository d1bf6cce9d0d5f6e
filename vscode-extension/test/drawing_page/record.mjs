// Records what a real model answers to the drawing page: one file a prompt, made through `limpid lsp --standalone`.
// What must not live here: drawing, measuring.
//
// usage: node record.mjs LIMPID_BINARY LIMPID_HOME OUT_FOLDER
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PROMPTS = {
  france: "The capital of France is",
  story:
    "Zoe wanted to learn how to bake bread, so she asked her grandmother for help. Her grandmother said that the most " +
    "important thing is patience. First they mixed flour, water, salt and a little yeast in a large bowl. Then they " +
    "covered the bowl with a cloth and waited for two hours. When they came back, the dough had doubled in size. " +
    "Zoe was surprised and laughed out loud. She formed a round loaf, put it into the hot oven, and after forty " +
    "minutes the whole kitchen smelled wonderful. She thanked her",
};

class Server {
  constructor(binary, home) {
    this.process = spawn(binary, ["lsp", "--standalone"], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, LIMPID_HOME: home },
    });
    this.buffer = Buffer.alloc(0);
    this.waiting = new Map();
    this.last = 0;
    this.process.stdout.on("data", (piece) => this.#take(piece));
  }

  #take(piece) {
    this.buffer = Buffer.concat([this.buffer, piece]);
    for (;;) {
      const head = this.buffer.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(this.buffer.toString("latin1", 0, head))?.[1]);
      if (this.buffer.length < head + 4 + length) return;
      const message = JSON.parse(this.buffer.toString("utf8", head + 4, head + 4 + length));
      this.buffer = this.buffer.subarray(head + 4 + length);
      if (message.method !== undefined) {
        if (message.id !== undefined) this.#send({ id: message.id, result: null });
        continue;
      }
      const { resolve, reject } = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    }
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.process.stdin.write(body);
  }

  tell(method, params) {
    this.#send({ method, params });
  }

  ask(method, params) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }
}

/** Stands in for the daemon's `steps` where it does not answer them: the share that the first so many edges show. */
function withSteps(routes, maxEdges) {
  if (routes.steps) return routes;
  const edges = [...routes.edges].sort((a, b) => b.flow - a.flow).slice(0, maxEdges);
  const feet = new Set(routes.nodes.filter((node) => node.kind === "embed").map((node) => node.node));
  const top = routes.nodes.at(-1);
  const above = new Map();
  for (const [at, edge] of edges.entries())
    above.set(edge.from, [...(above.get(edge.from) ?? []), { at, edge }]);
  const order = [...routes.nodes].sort((a, b) => height(b) - height(a));
  const flowOf = (node) => routes.nodes[node].flow;
  const share = (count) => {
    const kept = new Map([[top.node, top.flow]]);
    let sum = 0;
    for (const node of order) {
      let mass = kept.get(node.node) ?? 0;
      for (const { at, edge } of above.get(node.node) ?? [])
        // By flows, not contributions: those of an MLP's input are told as a share of the residual node above both.
        if (at < count) mass += ((kept.get(edge.to) ?? 0) * edge.flow) / Math.max(flowOf(edge.to), 1e-12);
      kept.set(node.node, mass);
      if (feet.has(node.node)) sum += mass;
    }
    return sum;
  };
  const steps = [];
  for (let step = 1; step <= 60; step++) {
    const count = Math.round((edges.length * step) / 60);
    steps.push({ edges: count, shown: Math.min(1, share(count)) });
  }
  return { ...routes, edges, steps, shown: steps.at(-1).shown };
}

function height(node) {
  return node.layer * 3 + { embed: -1, resid_mid: 0, mlp: 1, resid_post: 2 }[node.kind];
}

const [binary, home, out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const server = new Server(binary, home);
await server.ask("initialize", { capabilities: {} });
server.tell("initialized", {});
await server.ask("limpid/models", { action: "load" });
for (const [name, text] of Object.entries(PROMPTS)) {
  const uri = `file:///${name}.txt`;
  server.tell("textDocument/didOpen", { textDocument: { uri, languageId: "plaintext", version: 1, text } });
  const subject = { prompt: { uri, version: 1 } };
  const answer = await server.ask("limpid/routes", { subject, prune: "mass=0.98", max_edges: 6000 });
  const lens = await server.ask("limpid/lens", { subject });
  const strongest = answer.view.heads[0];
  const head = await server.ask("limpid/head", {
    subject,
    layer: strongest.layer,
    head: strongest.head,
    maps: true,
  });
  const routes = withSteps(answer.view.routes, 6000);
  const record = {
    tokens: answer.token_table,
    target: answer.view.target,
    routes,
    lens: lens.view,
    head: head.view,
  };
  writeFileSync(join(out, `${name}.json`), JSON.stringify(record));
  console.log(
    `${name}: ${answer.token_table.length} tokens, ${routes.nodes.length} nodes, ${routes.edges.length} edges, ${routes.shown}`,
  );
}
server.process.kill();
