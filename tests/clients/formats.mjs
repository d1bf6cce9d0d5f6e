// A recording in which every example of display.json is shown somewhere: a token or probability as a prediction, numbers in nats as
// its logit, shares and signed numbers as a head's flow and attribution.
// What must not live here: how a client shows them.

const of = (examples, format) =>
  // JSON has no NaN, and none is ever recorded.
  examples.filter((example) => example.format === format && example.input !== null);

const methodsAnswer = (recording, method) => recording.answers.find((answer) => answer.method === method);

/** Rows of an example of each format, the shorter lists begun anew. */
function together(examples, formats) {
  const lists = formats.map((format) => of(examples, format));
  const count = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: count }, (_, at) =>
    Object.fromEntries(formats.map((format, which) => [format, lists[which][at % lists[which].length]])),
  );
}

/** Rows of a page: no client leaves any of so many out. */
const ROWS = 25;

function page(recording, rows, headKey) {
  const made = structuredClone(recording);
  const tokens = methodsAnswer(made, "limpid/tokens").result.view;
  const attribution = methodsAnswer(made, "limpid/attribution").result.view;
  const facts = new Map();
  const [anyPrediction] = tokens.predictions;
  const [anyHead] = attribution.heads;
  tokens.predictions = rows.map(({ token, probability, nats }, at) => {
    facts.set(`prediction ${at + 1} token`, token.output);
    facts.set(`prediction ${at + 1} probability`, probability.output);
    facts.set(`prediction ${at + 1} logit`, nats.output);
    return { ...anyPrediction, id: at, text: token.input, prob: probability.input, logit: nats.input };
  });
  attribution.heads = rows.map(({ flow, signed }, head) => {
    const key = headKey({ layer: 0, head });
    facts.set(`${key} flow`, flow.output);
    facts.set(`${key} attribution`, signed.output);
    const numbers = { flow: flow.input, attribution: signed.input, effect: null, disagreement: null };
    return { ...anyHead, layer: 0, head, ...numbers };
  });
  return { made, facts };
}

/** Recordings, each with what is to be shown of it. */
export function formatExamples(recording, examples, headKey) {
  const rows = together(examples, ["token", "probability", "nats", "flow", "signed"]);
  const count = Math.ceil(rows.length / ROWS);
  return Array.from({ length: count }, (_, at) =>
    page(recording, rows.slice(at * ROWS, (at + 1) * ROWS), headKey),
  );
}
