"""Training steps of the bench's model in PyTorch, for `deno task bench lm --torch PYTHON`.

usage: torch_lm.py cpu|cuda vocab_size context_length d_model num_layers num_heads d_ff batch_size

Prints one JSON line with versions when the model is built, then answers each line on stdin, a number of steps, with the
seconds that so many steps took. A step is forward, loss, backward, clipping and AdamW, all in float32.
"""
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-5))


def linear(n_in, n_out):
    layer = nn.Linear(n_in, n_out, bias=False)
    std = math.sqrt(2 / (n_in + n_out))
    nn.init.trunc_normal_(layer.weight, std=std, a=-3 * std, b=3 * std)
    return layer


def rotate(x, cos, sin):
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Layer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = RMSNorm(width), RMSNorm(width)
        self.q, self.k, self.v, self.output = (linear(width, width) for _ in range(4))
        self.w1, self.w3, self.w2 = linear(width, hidden), linear(width, hidden), linear(hidden, width)

    def forward(self, x, cos, sin):
        normed = self.ln1(x)
        q, k, v = (f(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).flatten(-2))
        normed = self.ln2(x)
        return x + self.w2(F.silu(self.w1(normed)) * self.w3(normed))


class LanguageModel(nn.Module):
    def __init__(self, vocab_size, context, width, layers, heads, hidden):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, width)
        self.layers = nn.ModuleList(Layer(width, heads, hidden) for _ in range(layers))
        self.ln_final, self.head = RMSNorm(width), linear(width, vocab_size)
        size = width // heads
        frequencies = 10000.0 ** (-torch.arange(0, size, 2) / size)
        angles = torch.arange(context)[:, None] * frequencies
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return self.head(self.ln_final(x))


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
