// Attention whose heads share keys and values, or whose queries see only the last keys. Plain attention has kernels of
// its own: see attention.ts.
import { defineKernel, matmulFlops } from "../graph/kernel.ts";
import { SOFTMAX_PER_PAIR } from "./attention_flops.ts";

/** Keys that each of T queries is counted with, as in a dense product; and of these pairs, the share that is seen. */
function pairsOf(T: number, S: number, window: number): { readonly keys: number; readonly done: number } {
  const keys = Math.min(window, S);
  if (T === 1) return { keys, done: 1 };
  // The first queries see fewer.
  const few = Math.min(window, T);
  return { keys, done: (few * (few + 1) / 2 + (T - few) * few) / (T * few) };
}

/**
 * y[b,t,h] = Σⱼ softmaxⱼ(scale · q[b,t,h] · k[b,j,g]) v[b,j,g] over start[0] + t − window < j ≤ start[0] + t, with the
 * head of keys g = ⌊h · keyHeads / H⌋ and scale = 1 / √headDim, by the online softmax. q, y: (B, T, H, headDim);
 * k, v: (B, S, keyHeads, headDim); start: (1) u32; lse: (B, H, T), the logarithm of each softmax's denominator.
 */
export const groupedAttentionForward = defineKernel({
  name: "grouped_attention_forward",
  inputs: ["q", "k", "v", "start"],
  outputs: ["y", "lse"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", H: "u32", keyHeads: "u32", headDim: "u32", window: "u32" },
  halves: ["q", "k", "v", "y"],
  sizes: ({ B, T, S, H, keyHeads, headDim }) => {
    const [queries, keys] = [B * T * H * headDim, B * S * keyHeads * headDim];
    return { q: queries, k: keys, v: keys, start: 1, y: queries, lse: B * H * T };
  },
  below: ({ T, S }) => ({ start: S - T + 1 }),
  flops: ({ B, T, S, H, headDim, window }) => {
    const { keys, done } = pairsOf(T, S, window);
    return {
      ...matmulFlops(2 * 2 * B * H * T * keys * headDim, B * H * T * (SOFTMAX_PER_PAIR * keys + headDim)),
      done,
    };
  },
  tries: [
    { constants: { B: 2, T: 37, S: 37, H: 4, keyHeads: 2, headDim: 6, window: 37 } },
    { constants: { B: 1, T: 65, S: 65, H: 3, keyHeads: 1, headDim: 64, window: 65 } },
    { constants: { B: 1, T: 97, S: 97, H: 2, keyHeads: 2, headDim: 32, window: 33 } },
    // One query after cached keys, as in generation.
    { constants: { B: 2, T: 1, S: 150, H: 6, keyHeads: 3, headDim: 64, window: 70 }, inputs: { start: [130] } },
  ],
});

/**
 * With p[t,j] = exp(scale · q[t,h]·k[j,g] − lse[t,h]) for the keys that query t sees, recomputed, and
 * ds[t,j] = p[t,j] (dY[t,h]·v[j,g] − dY[t,h]·y[t,h]): dQ[t,h] (+)= scale · Σⱼ ds[t,j] k[j,g];
 * dK[j,g] (+)= scale · Σ ds[t,j] q[t,h]; dV[j,g] (+)= Σ p[t,j] dY[t,h], the last two over t and the heads h that share g.
 * q, y, dY, dQ: (B, T, H, headDim); k, v, dK, dV: (B, T, keyHeads, headDim); lse: (B, H, T).
 */
export const groupedAttentionBackward = defineKernel({
  name: "grouped_attention_backward",
  inputs: ["q", "k", "v", "y", "lse", "dY"],
  outputs: ["dQ", "dK", "dV"],
  constants: {
    B: "u32",
    T: "u32",
    H: "u32",
    keyHeads: "u32",
    headDim: "u32",
    window: "u32",
    accumulateQuery: "u32",
    accumulateKey: "u32",
    accumulateValue: "u32",
  },
  writes: {
    dQ: { addedIf: "accumulateQuery" },
    dK: { addedIf: "accumulateKey" },
    dV: { addedIf: "accumulateValue" },
  },
  halves: ["q", "k", "v", "y", "dY", "dQ", "dK", "dV"],
  sizes: ({ B, T, H, keyHeads, headDim }) => {
    const [queries, keys] = [B * T * H * headDim, B * T * keyHeads * headDim];
    return {
      ...{ q: queries, k: keys, v: keys, y: queries, lse: B * H * T },
      ...{ dY: queries, dQ: queries, dK: keys, dV: keys },
    };
  },
  flops: ({ B, T, H, headDim, window }) => {
    const { keys, done } = pairsOf(T, T, window);
    return {
      ...matmulFlops(5 * 2 * B * H * T * keys * headDim, B * H * T * (SOFTMAX_PER_PAIR * keys + 4 * headDim)),
      done,
    };
  },
  tries: [
    {
      ...{ constants: { B: 2, T: 37, H: 4, keyHeads: 2, headDim: 6, window: 37 } },
      ...{ accumulateQuery: 0, accumulateKey: 1, accumulateValue: 0 },
    },
    {
      ...{ constants: { B: 1, T: 65, H: 3, keyHeads: 1, headDim: 64, window: 65 } },
      ...{ accumulateQuery: 0, accumulateKey: 1, accumulateValue: 0 },
    },
    {
      ...{ constants: { B: 1, T: 97, H: 2, keyHeads: 2, headDim: 32, window: 33 } },
      ...{ accumulateQuery: 1, accumulateKey: 0, accumulateValue: 1 },
    },
  ].map(({ constants, ...accumulate }) => ({ constants: { ...constants, ...accumulate } })),
});
