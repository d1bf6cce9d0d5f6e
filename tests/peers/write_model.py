"""Writes the weights of a GGUF file, decoded to f32, as a folder that PyTorch and candle-mi read, and the token ids of a text.

usage: write_model.py GGUF TEXT FOLDER LENGTH
"""

import json
import os
import sys

import torch
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import Digits, Sequence
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    gguf, text, folder, length = sys.argv[1:]
    source, file = os.path.split(gguf)
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype=torch.float32)
    # Not its own save_pretrained, which refuses what comes out of a GGUF file.
    model.config.save_pretrained(folder)
    weights = model.state_dict()
    del weights["lm_head.weight"]  # the embedding, by another name
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})

    # candle-mi looks for the rotary base where transformers 4 wrote it, and takes 10,000 where it finds none.
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as config_file:
        config = json.load(config_file)
    config.pop("quantization_config", None)  # the weights are plain now
    config.setdefault("rope_theta", config["rope_parameters"]["rope_theta"])
    with open(path, "w", encoding="utf-8") as config_file:
        json.dump(config, config_file, indent=2)

    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file)
    # SmolLM2 takes every digit by itself, which transformers does not read out of a GGUF file.
    split = tokenizer.backend_tokenizer
    split.pre_tokenizer = Sequence([Digits(individual_digits=True), split.pre_tokenizer])
    with open(text, encoding="utf-8") as text_file:
        ids = tokenizer(text_file.read(), add_special_tokens=False)["input_ids"][: int(length)]
    with open(os.path.join(folder, "ids.json"), "w", encoding="utf-8") as ids_file:
        json.dump(ids, ids_file)


main()
