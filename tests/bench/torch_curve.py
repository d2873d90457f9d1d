"""The same training run as bytelm's in PyTorch, for `deno task bench curve --torch PYTHON`.

usage: torch_curve.py FILE.safetensors float32|float64

The file holds the initial weights by their names, "ids" and "targets" of shape (steps, batch size, context length), and
in its metadata "model" and "training", both JSON. Prints one JSON line with versions, then one for each step.
"""
import json
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

from torch_model import LanguageModel

DTYPES = {"F32": torch.float32, "I32": torch.int32}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        flat = torch.frombuffer(body, dtype=DTYPES[entry["dtype"]], count=(end - start) // 4, offset=start)
        tensors[name] = flat.reshape(entry["shape"])
    return metadata, tensors


def learning_rate(step, lr, min_lr, warmup, steps):
    if step < warmup:
        return lr * step / warmup
    progress = (step - warmup) / (steps - warmup)
    return min_lr + (lr - min_lr) * (1 + math.cos(math.pi * progress)) / 2


def main():
    path, dtype = sys.argv[1:]
    torch.set_default_dtype(getattr(torch, dtype))
    metadata, tensors = read_safetensors(path)
    config, training = json.loads(metadata["model"]), json.loads(metadata["training"])
    ids, targets = tensors.pop("ids").long(), tensors.pop("targets").long()
    sizes = (config[key] for key in ("vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"))
    model = LanguageModel(*sizes, config["ropeTheta"])
    model.load_state_dict(tensors)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=0.0,
        betas=(training["beta1"], training["beta2"]),
        eps=training["eps"],
        weight_decay=training["weightDecay"],
    )
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "dtype": dtype}), flush=True)
    schedule = [training[key] for key in ("lr", "minLr", "warmupSteps", "steps")]
    for step in range(len(ids)):
        lr = learning_rate(step, *schedule)
        for group in optimizer.param_groups:
            group["lr"] = lr
        loss = F.cross_entropy(model(ids[step]).flatten(0, 1), targets[step].flatten())
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), training["clip"])
        optimizer.step()
        print(json.dumps({"step": step, "loss": loss.item(), "gradNorm": norm.item(), "lr": lr}), flush=True)


main()
