"""What measuring costs with PyTorch and hooks, one run at a time, as people do it: the model of transformers in f32, eager
attention, 128 tokens, the last position's log-probability. Seconds of every single-token knock-out (an additive mask), of each
head off at the last position and at all positions (a hook before the output projection), and of one plain forward, in the shape of
`cargo bench -p limpid-tests --bench effects -- peers`. Prints one line of JSON.

usage: torch_effects.py FOLDER IDS THREADS
"""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

N_TOKENS = 128


def main() -> None:
    folder, ids_path, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with open(ids_path, encoding="utf-8") as file:
        ids = torch.tensor([json.load(file)[:N_TOKENS]])
    config = model.config
    width = config.hidden_size // config.num_attention_heads
    causal = torch.full((N_TOKENS, N_TOKENS), float("-inf")).triu(1)

    def run(mask: torch.Tensor) -> float:
        logits = model(ids, attention_mask=mask[None, None], use_cache=False, logits_to_keep=1).logits[0, -1]
        return float(torch.log_softmax(logits, -1).max())

    def knock_out(token: int) -> float:
        mask = causal.clone()
        mask[token + 1 :, token] = float("-inf")
        return run(mask)

    def head_off(layer: int, head: int, position: int | None) -> float:
        def before(_, inputs):
            z = inputs[0].clone()
            rows = slice(None) if position is None else slice(position, position + 1)
            z[:, rows, head * width : (head + 1) * width] = 0
            return (z,)

        hook = model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(before)
        try:
            return run(causal)
        finally:
            hook.remove()

    heads = [(layer, head) for layer in range(config.num_hidden_layers) for head in range(config.num_attention_heads)]
    jobs = {
        "knockouts": [lambda token=token: knock_out(token) for token in range(N_TOKENS - 1)],
        "heads_last": [lambda at=at: head_off(*at, N_TOKENS - 1) for at in heads],
        "heads_all": [lambda at=at: head_off(*at, None) for at in heads],
    }

    def forward() -> float:
        rounds = []
        for _ in range(5):
            started = time.perf_counter()
            run(causal)
            rounds.append(time.perf_counter() - started)
        return sorted(rounds)[2]

    rows = {}
    with torch.inference_mode():
        forward()
        for name, runs in jobs.items():
            before = forward()
            started = time.perf_counter()
            for measure in runs:
                measure()
            seconds = time.perf_counter() - started
            one = (before + forward()) / 2
            rows[name] = {"runs": len(runs), "seconds": seconds, "forward": one, "forwards": seconds / one}
    print(json.dumps(rows))


main()
