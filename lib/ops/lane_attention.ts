// Attention of sequences that are at different positions, one query each: see attention.ts.
import { defineKernel, matmulFlops } from "../graph/kernel.ts";
import { SOFTMAX_PER_PAIR } from "./attention_flops.ts";

/**
 * y[b,h] = Σⱼ softmaxⱼ(scale · q[b,h] · k[b,j,g]) v[b,j,g] over start[b] − window < j ≤ start[b], with the head of keys
 * g = ⌊h · keyHeads / H⌋ and scale = 1 / √headDim. q, y: (B, T = 1, H, headDim); k, v: (B, S, keyHeads, headDim);
 * start: (B) u32; lse: (B, H, 1), the logarithm of each softmax's denominator.
 */
export const laneAttentionForward = defineKernel({
  name: "lane_attention_forward",
  inputs: ["q", "k", "v", "start"],
  outputs: ["y", "lse"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", H: "u32", keyHeads: "u32", headDim: "u32", window: "u32" },
  sizes: ({ B, T, S, H, keyHeads, headDim }) => {
    const [queries, keys] = [B * T * H * headDim, B * S * keyHeads * headDim];
    return { q: queries, k: keys, v: keys, start: B, y: queries, lse: B * H * T };
  },
  below: ({ S }) => ({ start: S }),
  flops: ({ B, S, H, headDim, window }) => {
    const keys = Math.min(window, S);
    return matmulFlops(2 * 2 * B * H * keys * headDim, B * H * (SOFTMAX_PER_PAIR * keys + headDim));
  },
  tries: [
    { constants: { B: 1, T: 1, S: 1, H: 1, keyHeads: 1, headDim: 6, window: 1 }, inputs: { start: [0] } },
    {
      constants: { B: 3, T: 1, S: 150, H: 6, keyHeads: 3, headDim: 64, window: 150 },
      inputs: { start: [130, 0, 149] },
    },
    {
      constants: { B: 5, T: 1, S: 67, H: 2, keyHeads: 2, headDim: 7, window: 67 },
      inputs: { start: [64, 63, 1, 66, 5] },
    },
    { constants: { B: 2, T: 1, S: 150, H: 2, keyHeads: 1, headDim: 32, window: 33 }, inputs: { start: [20, 140] } },
  ],
});
