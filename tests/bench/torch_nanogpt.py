"""Trains on text by nanoGPT's settings for a CPU, for `deno task bench learning --torch PYTHON`.

usage: torch_nanogpt.py --train FILE --valid FILE (--seconds N | --steps N) [--seed N] [--stride N]

The settings are those that nanoGPT's README gives for "a macbook (or other cheap computer)", and, for what it does not
name, those of config/train_shakespeare_char.py and train.py there; the program is not. The differences:

- Characters are bytes, so that any text may be cut anywhere. In ASCII, as Shakespeare's plays are, they are the same.
- The cosine ends with the time, instead of at step 2,000. It follows the share of the time that is over, so that it does
  whatever the pace.
- There is no validation on the way, which takes nanoGPT some of its time; the weights at the end are scored.
- AdamW is PyTorch's fused one, which takes less time.

The time begins with the first step, when PyTorch is loaded and the model made. Prints one JSON line.
"""
import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F

CONTEXT, BATCH, LAYERS, HEADS, WIDTH = 64, 12, 4, 4, 128
LR, MIN_LR, WARMUP, BETAS, DECAY, CLIP = 1e-3, 1e-4, 100, (0.9, 0.99), 0.1, 1.0


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.mixed = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        heads = self.qkv(self.norm1(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.mixed(attended.transpose(1, 2).flatten(-2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class CharacterModel(nn.Module):
    """GPT-2's layout without biases; the output matrix is the table of embeddings."""

    def __init__(self, vocab_size):
        super().__init__()
        self.characters, self.positions = nn.Embedding(vocab_size, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What is added to the residual stream is smaller the more of it there is.
                adds = name.endswith(("mixed.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if adds else 0.02)

    def forward(self, ids):
        x = self.characters(ids) + self.positions.weight[: ids.shape[1]]
        return F.linear(self.norm(self.blocks(x)), self.characters.weight)


def make_optimizer(model):
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() == 2], "weight_decay": DECAY},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=LR, betas=BETAS, fused=True)


class Length:
    """Seconds from now or steps, and how much of them is over."""

    def __init__(self, seconds, steps):
        self.seconds, self.steps, self.began = seconds, steps, time.perf_counter()

    def share(self, step):
        if self.steps is not None:
            return step / self.steps
        return (time.perf_counter() - self.began) / self.seconds


def learning_rate(step, share, warm_share):
    """Linear up to LR, then half a cosine down to MIN_LR from the share where the warm-up ended to 1."""
    if step < WARMUP:
        return LR * (step + 1) / (WARMUP + 1)
    progress = min(1, (share - warm_share) / (1 - warm_share))
    return MIN_LR + (LR - MIN_LR) * (1 + math.cos(math.pi * progress)) / 2


def train(model, optimizer, ids, length, generator):
    """Takes steps until the length is over, at least one; returns their number and the mean loss of the last 100 in bits."""
    offsets = torch.arange(CONTEXT + 1)
    losses, step, warm_share = [], 0, 0.0
    while (share := length.share(step)) < 1 or step == 0:
        if step == WARMUP:
            warm_share = share
        lr = learning_rate(step, share, warm_share)
        for group in optimizer.param_groups:
            group["lr"] = lr
        starts = torch.randint(len(ids) - CONTEXT, (BATCH, 1), generator=generator)
        batch = ids[starts + offsets]
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        losses = [*losses[-99:], loss.item()]
        step += 1
    return step, sum(losses) / len(losses) / math.log(2)


def scoring_windows(length, stride):
    """(start, first that counts, end) of windows whose counted predictions cover all but the first character, once."""
    last = length - 1
    done = min(CONTEXT, last)
    windows = [(0, 0, done)]
    while done < last:
        end = min(done + stride, last)
        windows.append((end - CONTEXT, done - (end - CONTEXT), CONTEXT))
        done = end
    return windows


@torch.no_grad()
def score(model, ids, stride, windows_at_once=64):
    """Bits of all characters but the first, and how many that are."""
    windows, nats, count = scoring_windows(len(ids), stride), 0.0, 0
    first, rest = windows[:1], windows[1:]
    groups = [first, *(rest[i : i + windows_at_once] for i in range(0, len(rest), windows_at_once))]
    for group in groups:
        batch = torch.stack([ids[start : start + end + 1] for start, _, end in group])
        logits = model(batch[:, :-1])
        losses = F.cross_entropy(logits.transpose(1, 2), batch[:, 1:], reduction="none").double()
        for row, (_, start, end) in enumerate(group):
            nats += losses[row, start:end].sum().item()
            count += end - start
    return nats / math.log(2), count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", required=True)
    parser.add_argument("--valid", required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=float)
    length.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stride", type=int, default=16, choices=range(1, CONTEXT + 1), metavar="N")
    flags = parser.parse_args()

    texts = [open(path, "rb").read() for path in (flags.train, flags.valid)]
    vocabulary = sorted(set(b"".join(texts)))
    table = torch.zeros(256, dtype=torch.long)
    table[vocabulary] = torch.arange(len(vocabulary))
    train_ids, valid_ids = (table[torch.frombuffer(bytearray(text), dtype=torch.uint8).long()] for text in texts)
    for path, ids in ((flags.train, train_ids), (flags.valid, valid_ids)):
        if len(ids) <= CONTEXT:
            parser.error(f"got {len(ids)} characters in {path}, must be more than {CONTEXT}")
    torch.manual_seed(flags.seed)
    model = CharacterModel(len(vocabulary))
    generator = torch.Generator().manual_seed(flags.seed)
    # To make the first optimizer, PyTorch loads more of itself.
    optimizer = make_optimizer(model)
    began = time.perf_counter()
    steps, loss = train(model, optimizer, train_ids, Length(flags.seconds, flags.steps), generator)
    trained = time.perf_counter()
    bits, scored = score(model, valid_ids, flags.stride)
    print(json.dumps({
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": steps,
        "tokens": steps * BATCH * CONTEXT,
        "trainBitsPerByte": loss,
        "bitsPerByte": bits / len(texts[1]),
        "scored": scored,
        "trainingSeconds": trained - began,
        "scoringSeconds": time.perf_counter() - trained,
    }))


main()
