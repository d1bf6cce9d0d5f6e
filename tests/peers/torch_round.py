"""One round of PyTorch's plain eager f32 forward, logits of all positions: milliseconds by number of tokens, the
median of three after two that warm up. Prints one line of JSON.

usage: torch_round.py FOLDER IDS THREADS LENGTH...
"""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM


def main() -> None:
    folder, ids_path, threads, *lengths = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with open(ids_path, encoding="utf-8") as file:
        ids = json.load(file)
    times, predicted = {}, {}
    with torch.inference_mode():
        for length in lengths:
            prompt = torch.tensor([ids[: int(length)]])
            rounds = []
            for _ in range(5):
                started = time.perf_counter()
                logits = model(prompt, use_cache=False).logits
                rounds.append(1e3 * (time.perf_counter() - started))
            times[length] = sorted(rounds[2:])[1]
            predicted[length] = int(logits[0, -1].argmax())
    print(json.dumps({"eager": times, "predicted": predicted}))


main()
