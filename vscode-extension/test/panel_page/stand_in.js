// Stands in for VS Code around the panel: answers from a recording, streams effects and continuations, takes commands.
// What must not live here: the panel.
(() => {
  const recorded = JSON.parse(document.getElementById("stand-in-recorded").textContent);
  const tidy = (value) => {
    if (Array.isArray(value)) return value.map(tidy);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== null && inner !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, tidy(inner)]),
    );
  };
  const key = (method, params) => `${method} ${JSON.stringify(tidy(params))}`;
  const answers = new Map(
    recorded.answers.map(({ method, params, result }) => [key(method, params), result]),
  );
  const first = (method) => recorded.answers.find((answer) => answer.method === method)?.result;
  const tokens = first("limpid/tokens");
  const rows = recorded.answers
    .filter(({ method }) => method === "limpid/effect")
    .flatMap(({ result }) => result.view.effects);
  const run = {
    id: "run1",
    title: recorded.run.title,
    uri: `file:///home/zoe/${recorded.run.title}`,
    model: recorded.run.model,
    target: tokens.view.target,
    predictions: tokens.view.predictions.slice(0, 3),
    n_tokens: tokens.token_table.length,
    objective: first("limpid/attribution")?.view.attribution.objective ?? null,
    took_ms: recorded.run.took_ms,
    at: Date.now(),
    is_pinned: false,
    is_stale: false,
  };
  let state = JSON.parse(sessionStorage.getItem("state") ?? "null");
  const settings = { routes_mass: 0.9, method: "atp", numbers: false, follow: true, effects_budget_ms: 2000 };
  const stopped = new Set();
  const said = (window.standIn = { run, sent: [], tell: (message) => window.postMessage(message, "*") });
  said.runs = (change = {}) =>
    said.tell({
      type: "runs",
      shown: run,
      history: [run, { ...run, id: "run0", at: Date.now() - 3.6e6, is_stale: true, is_pinned: true }],
      problem: null,
      busy: null,
      settings: { ...settings },
      models: [
        { name: run.model, state: "loaded", is_default: true },
        { name: "gemma-3-270m", state: "loaded", is_default: false },
      ],
      notes: {},
      ...change,
    });
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const answer = async ({ id, method, params }) => {
    await wait(5);
    if (method === "limpid/effect") {
      const same = (a, b) => JSON.stringify(tidy(a)) === JSON.stringify(tidy(b));
      const wanted = params.interventions
        ? rows.filter((row) => params.interventions.some((one) => same(one, row.intervention)))
        : (recorded.answers.find((one) => one.method === method && one.params.set === params.set)?.result.view
            .effects ?? []);
      for (const row of wanted) {
        if (stopped.has(id)) return;
        await wait(30);
        said.tell({ type: "partial", id, value: [{ ...row, disagreement: null }] });
      }
      const whole = { target: run.target, objective: run.objective, floor: 0.05, effects: wanted };
      said.tell({ type: "answer", id, result: { view: { ...whole, unmeasured: [], is_cut_short: false } } });
      return;
    }
    if (method === "limpid/continue") {
      const whole = first(method);
      const unchanged = whole.view.tokens.slice(0, 12);
      const switched = unchanged.map((token, at) =>
        at < 4 ? token : { ...token, id: token.id + 1, text: " other" },
      );
      for (const token of unchanged) {
        if (stopped.has(id)) return;
        await wait(30);
        if (params.switches) {
          const other = switched[unchanged.indexOf(token)];
          said.tell({ type: "partial", id, value: { side: "unchanged", tokens: [token], text: token.text } });
          said.tell({ type: "partial", id, value: { side: "switched", tokens: [other], text: other.text } });
        } else said.tell({ type: "partial", id, value: { tokens: [token], text: token.text } });
      }
      const view = params.switches
        ? {
            tokens: switched,
            text: "",
            stopped_by: "length",
            unchanged: { tokens: unchanged, text: "", stopped_by: "length", first_difference: 4 },
          }
        : whole.view;
      said.tell({ type: "answer", id, result: { ...whole, view } });
      return;
    }
    if (method === "limpid/switches") {
      said.tell({ type: "answer", id, result: { view: { uri: "", sets: [], text: null } } });
      return;
    }
    const asked =
      method === "limpid/head" ? { head: params.head, layer: params.layer, maps: true } : tidy(params);
    const result = answers.get(key(method, asked));
    if (result) said.tell({ type: "answer", id, result });
    else {
      const message = `${method} ${JSON.stringify(params)} is not in the recording.`;
      said.tell({ type: "failed", id, problem: { kind: "bad-request", message, ways: [] } });
    }
  };
  window.acquireVsCodeApi = () => ({
    getState: () => state,
    setState: (next) => {
      state = next;
      sessionStorage.setItem("state", JSON.stringify(next));
    },
    postMessage: (message) => {
      said.sent.push(message);
      if (message.type === "ready") said.runs();
      if (message.type === "request") void answer(message);
      if (message.type === "cancel") stopped.add(message.id);
      if (message.type === "command" && message.command === "numbers") {
        settings.numbers = message.argument.numbers;
        said.runs();
      }
    },
  });
})();
