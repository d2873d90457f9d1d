"""The bench's model in PyTorch, its parameters named as bytelm's checkpoints name them."""
import math

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


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.output_proj = (linear(width, width) for _ in range(4))

    def forward(self, x, cos, sin):
        projections = (self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for project in projections)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        return self.output_proj(mixed.transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.w1, self.w3, self.w2 = linear(width, hidden), linear(width, hidden), linear(hidden, width)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Layer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.ln1, self.ln2 = RMSNorm(width), RMSNorm(width)
        self.attn, self.ffn = Attention(width, heads), FeedForward(width, hidden)

    def forward(self, x, cos, sin):
        x = x + self.attn(self.ln1(x), cos, sin)
        return x + self.ffn(self.ln2(x))


class LanguageModel(nn.Module):
    def __init__(self, vocab_size, context, width, layers, heads, hidden, theta=10000.0):
        super().__init__()
        self.token_embeddings = nn.Embedding(vocab_size, width)
        self.layers = nn.ModuleList(Layer(width, heads, hidden) for _ in range(layers))
        self.ln_final, self.lm_head = RMSNorm(width), linear(width, vocab_size)
        size = width // heads
        frequencies = theta ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles = torch.arange(context)[:, None] * frequencies
        self.register_buffer("cos", angles.cos().to(torch.get_default_dtype()), persistent=False)
        self.register_buffer("sin", angles.sin().to(torch.get_default_dtype()), persistent=False)

    def forward(self, ids):
        x = self.token_embeddings(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return self.lm_head(self.ln_final(x))
