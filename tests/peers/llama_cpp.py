"""Tokens a second of llama.cpp (package xllamacpp) on a GGUF file, two threads, greedy: beside `limpid continue --format json`, which says its own.

python3 -m venv V && V/bin/pip install xllamacpp && V/bin/python tests/peers/llama_cpp.py FILE.gguf [N_TOKENS]
"""

import json
import sys

import xllamacpp

PROMPT = "The capital of France is"
ROUNDS = 5


def main():
    n_tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.n_ctx = 1024
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    server = xllamacpp.Server(params)
    rates = []
    for _ in range(ROUNDS):
        answer = server.handle_completions(
            {"prompt": PROMPT, "max_tokens": n_tokens, "temperature": 0, "cache_prompt": False, "ignore_eos": True}
        )
        answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
        rates.append(answer["timings"]["predicted_per_second"])
    rates.sort()
    print(json.dumps({"tokens_per_second": rates, "text": answer["choices"][0]["text"][:80]}))


main()
