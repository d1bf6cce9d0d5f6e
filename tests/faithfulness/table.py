"""How well each cheap score tells what a measured effect is: a Markdown table of correlations, means over prompts.

usage: table.py LIMPID MODEL PROMPTS [--heads N] [--neurons N] [--objective log_odds|logit_diff]

PROMPTS: `../golden/faithfulness_*.json`, whose measured values are then used (and compared with our own), or `prompts.json`, of which
everything is measured here. Tokens: each hidden from later ones, the first left out (a sink that everything reads). Heads: all off one
by one, at every position, of the first N prompts. Neurons: 200 drawn by their number, set to 0, of the first N prompts.
"""

import argparse
import json
import subprocess
import tempfile

METHODS = ["atp", "atp_linear", "atp_true", "gradient_x_input_linear", "logit_attribution", "flow"]
FLOOR = 0.05
N_NEURONS = 200


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def pearson(a, b):
    ma, mb = mean(a), mean(b)
    cov = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    spread = (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5
    return cov / spread if spread else 0.0


def ranks(values):
    order = sorted(range(len(values)), key=lambda at: values[at])
    out = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for at in range(start, end + 1):
            out[order[at]] = (start + end) / 2
        start = end + 1
    return out


def overlap(a, b, n):
    def strongest(values):
        return set(sorted(range(len(values)), key=lambda at: -abs(values[at]))[:n])

    n = min(n, len(a))
    return len(strongest(a) & strongest(b)) / n if n else float("nan")


class Table:
    """Correlations by score, over prompts."""

    def __init__(self, n_strongest):
        self.n_strongest = n_strongest
        self.rows = {}

    def add(self, name, score, effect):
        row = self.rows.setdefault(name, {"pearson": [], "spearman": [], "overlap": [], "signs": [], "size": []})
        row["pearson"].append(pearson(score, effect))
        row["spearman"].append(pearson(ranks(score), ranks(effect)))
        row["overlap"].append(overlap(score, effect, self.n_strongest))
        row["signs"] += [(s > 0) == (e > 0) for s, e in zip(score, effect) if abs(e) >= FLOOR]
        total = sum(map(abs, score))
        if total:
            row["size"].append(sum(map(abs, effect)) / total)

    def print(self, title):
        print(f"\n| {title} | Pearson | Spearman | overlap of {self.n_strongest} | sign | size |")
        print("|---|---|---|---|---|---|")
        for name, row in self.rows.items():
            unsigned = name in ("flow",)
            sign = "" if unsigned else f"{mean(row['signs']):.2f}"
            sizes = sorted(row["size"])
            size = "" if unsigned or not sizes else f"{sizes[len(sizes) // 2]:.1f}"
            print(
                f"| {name} | {mean(row['pearson']):.2f} | {mean(row['spearman']):.2f} | {mean(row['overlap']):.2f} | {sign} | {size} |"
            )


class Limpid:
    def __init__(self, binary, model, objective):
        self.common = ["--model", model, "--format", "json"]
        self.binary, self.objective = binary, objective

    def run(self, command, prompt, *flags, objective=None):
        flags = [*prompt, *self.common, "--objective", objective or self.objective, *flags]
        done = subprocess.run([self.binary, command, *flags], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command} {prompt}: {done.stderr}")
        return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("limpid")
    parser.add_argument("model")
    parser.add_argument("prompts")
    parser.add_argument("--heads", type=int, default=0)
    parser.add_argument("--neurons", type=int, default=0)
    parser.add_argument("--objective", default="log_odds", choices=["log_odds", "logit_diff"])
    args = parser.parse_args()
    with open(args.prompts, encoding="utf-8") as file:
        prompts = json.load(file)
    is_golden = isinstance(prompts, dict)
    prompts = prompts["prompts"] if is_golden else prompts
    limpid = Limpid(args.limpid, args.model, args.objective)
    tokens, heads, neurons = Table(3), Table(10), Table(10)
    worst, lengths = 0.0, []
    for at, prompt in enumerate(prompts):
        if is_golden:
            source = ["--token-ids", ",".join(map(str, prompt["token_ids"])), "--token", str(prompt["target"])]
            source += ["--foil", str(prompt["foil"])]
        else:
            source = ["--text", prompt["text"]]
            if args.objective == "logit_diff":
                first, second = limpid_top_two(limpid, source)
                source += ["--token", first, "--foil", second]
        top = "all" if at < max(args.heads, args.neurons) else "1"
        found = limpid.run("inspect", source, "--attribution", ",".join(METHODS), "--top", top)
        measured = limpid.run("effect", source, "--knockout", "all")
        lengths.append(len(found["tokens"]))
        effects = [row["effect"] for row in measured["effects"]]
        if is_golden:
            clean, own = prompt["clean_logit_diff"], [row["logit_diff"] for row in measured["effects"]]
            golden = prompt["knockout"]["logit_diff"]
            worst = max([worst, *(abs(a - b) for a, b in zip(golden, own))])
            if args.objective == "logit_diff":
                effects = [clean - changed for changed in golden]
        for method in METHODS:
            scores = found["attribution"]["others"][method][: len(effects)]
            tokens.add(method, scores[1:], effects[1:])
        if at < args.heads:
            measured = limpid.run("effect", source, "--head", "all")
            by_head = {(row["intervention"]["layer"], row["intervention"]["head"]): row["effect"] for row in measured["effects"]}
            rows = sorted(found["heads"], key=lambda row: (row["layer"], row["head"]))
            effect = [by_head[row["layer"], row["head"]] for row in rows]
            for score in ["attribution", "flow", "logit_attribution"]:
                heads.add(score, [row[score] for row in rows], effect)
        if at < args.neurons:
            rows = found["neurons"]
            rows = sorted(rows, key=lambda row: (row["neuron"] * 7919 + row["layer"] * 104729) % 1000003)[:N_NEURONS]
            spec = [f"neuron {row['layer']}.{row['neuron']}" for row in rows]
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(spec, file)
                file.flush()
                measured = limpid.run("effect", source, "--spec", file.name)
            effect = [row["effect"] for row in measured["effects"]]
            for score in ["attribution", "flow", "logit_attribution"]:
                neurons.add(score, [row[score] for row in rows], effect)
    what = "log-odds" if args.objective == "log_odds" else "difference of logits"
    print(f"{args.model}: {len(prompts)} prompts of {min(lengths)} to {max(lengths)} tokens, effects on the {what}")
    if is_golden:
        print(f"largest difference of a measured value from the reference: {worst:.1e} nats")
    tokens.print("tokens, hidden")
    if args.heads:
        heads.print(f"heads off, {min(args.heads, len(prompts))} prompts")
    if args.neurons:
        neurons.print(f"neurons set to 0, {min(args.neurons, len(prompts))} prompts")


def limpid_top_two(limpid, source):
    found = limpid.run("inspect", source, objective="log_odds")
    return [str(row["id"]) for row in found["predictions"][:2]]


main()
