// A recording of a prompt far longer than is drawn at once, made from a real one: for looking at windows and at layout.
// What must not live here: real answers.
const LETTERS = "abcdefghijklmnop";

/** `count` tokens of 24 letters without a space: 100 kB and more. */
export function longRecording(recorded, count = 5000) {
  const display = (index) => (index % 7 === 6 ? "↵" : `${LETTERS}${String(index).padStart(8, "0")}`);
  const table = Array.from({ length: count }, (_, index) => ({
    index,
    id: index + 10,
    display: display(index),
  }));
  const scores = table.map(({ index }) => Math.sin(index) / (1 + (count - index) / 50));
  const flows = table.map(({ index }) => Math.abs(Math.cos(index)) / count);
  const answers = recorded.answers
    .filter(({ method }) => ["limpid/tokens", "limpid/attribution"].includes(method))
    .map((answer) => {
      const result = JSON.parse(JSON.stringify(answer.result));
      if (answer.method === "limpid/tokens") {
        result.token_table = table;
        result.view.target.position = count - 1;
        result.view.tokens = table.map(({ index, id }) => ({
          index,
          id,
          text: display(index),
          logprob: -1,
          rank: 2,
        }));
      } else Object.assign(result.view.attribution, { scores, others: { atp: scores, flow: flows } });
      return { ...answer, result };
    });
  return { ...recorded, run: { ...recorded.run, title: "long.txt" }, answers };
}
