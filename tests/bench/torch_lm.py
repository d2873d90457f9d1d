"""Training steps of the bench's model in PyTorch, for `deno task bench lm --torch PYTHON`.

usage: torch_lm.py cpu|cuda vocab_size context_length d_model num_layers num_heads d_ff batch_size

Prints one JSON line with versions when the model is built, then answers each line on stdin, a number of steps, with the
seconds that so many steps took. A step is forward, loss, backward, clipping and AdamW, all in float32.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from torch_model import LanguageModel


def main():
    device = sys.argv[1]
    vocab_size, context, *sizes, batch = (int(word) for word in sys.argv[2:])
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    model = LanguageModel(vocab_size, context, *sizes).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    ids, targets = (torch.randint(0, vocab_size, (batch, context), device=device) for _ in range(2))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "device": device}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        loss.item()
        print(time.perf_counter() - start, flush=True)


main()
