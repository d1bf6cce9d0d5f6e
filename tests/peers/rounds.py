"""Runs programs in turn, round by round, and prints their median times and the ratios of ours to theirs as Markdown.

usage: rounds.py ROUNDS LENGTHS NAME COMMAND [NAME COMMAND]...

A command is a shell line that prints one line of JSON last: either {length: milliseconds}, or that under the name of each
variant it times, with the tokens it predicts under "predicted", which must be the same for all. The first program is ours.
"""

import json
import statistics
import subprocess
import sys


def one_round(name: str, command: str) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """Times by row of the table, and predicted tokens, both by length."""
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    predicted = answer.pop("predicted", {})
    if all(isinstance(value, float) for value in answer.values()):
        return {name: answer}, predicted
    return {f"{name}, {variant}": times for variant, times in answer.items()}, predicted


def row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    n_rounds, lengths = int(sys.argv[1]), sys.argv[2].split()
    programs = list(zip(sys.argv[3::2], sys.argv[4::2]))
    times: dict[str, dict[str, list[float]]] = {}
    known: dict[str, int] = {}
    for index in range(n_rounds):
        for name, command in programs:
            variants, predicted = one_round(name, command)
            for length, token in predicted.items():
                if known.setdefault(length, token) != token:
                    sys.exit(f"{name} predicts token {token} after {length} tokens, another program {known[length]}")
            for variant, by_length in variants.items():
                print(f"round {index + 1} of {n_rounds}, {variant}: {by_length}", file=sys.stderr)
                for length in lengths:
                    times.setdefault(variant, {}).setdefault(length, []).append(by_length[length])

    medians = {name: [statistics.median(by_length[n]) for n in lengths] for name, by_length in times.items()}
    ours, *peers = medians
    print(row(f"ms, medians of {n_rounds} rounds", [f"{n} tokens" for n in lengths]))
    print("|---" * (len(lengths) + 1) + "|")
    for name, by_length in medians.items():
        print(row(name, [f"{ms:.0f}" for ms in by_length]))
    for peer in peers:
        ratios = [ms / theirs for ms, theirs in zip(medians[ours], medians[peer])]
        print(row(f"{ours} / {peer}", [f"{ratio:.2f}" for ratio in ratios]))


main()
