import type { Graph } from "../graph/graph.ts";
import { defineKernel, matmulFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { SOFTMAX_PER_PAIR } from "./attention_flops.ts";
import { groupedAttentionBackward, groupedAttentionForward } from "./grouped_attention.ts";
import { laneAttentionForward } from "./lane_attention.ts";
import { requireBelow, requireSameShape, requireShape, requireStarts } from "./shapes.ts";

/** The share of the pairs of T queries and keys that a causal query sees: the kernels skip the rest. */
const seenShare = (T: number) => (T + 1) / (2 * T);

/**
 * y[b,t,h] = Σⱼ softmaxⱼ(scale · q[b,t,h] · k[b,j,h]) v[b,j,h] over j ≤ start[0] + t, scale = 1 / √headDim, by the online
 * softmax: no (T, S) matrix is stored. q, y: (B, T, H, headDim); k, v: (B, S, H, headDim); start: (1) u32;
 * lse: (B, H, T), the logarithm of each softmax's denominator, kept for the backward pass.
 */
export const attentionForward = defineKernel({
  name: "attention_forward",
  inputs: ["q", "k", "v", "start"],
  outputs: ["y", "lse"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", H: "u32", headDim: "u32" },
  halves: ["q", "k", "v", "y"],
  sizes: ({ B, T, S, H, headDim }) => {
    const [queries, keys] = [B * T * H * headDim, B * S * H * headDim];
    return { q: queries, k: keys, v: keys, start: 1, y: queries, lse: B * H * T };
  },
  below: ({ T, S }) => ({ start: S - T + 1 }),
  // Scores and weighted values of every pair of query and key, as its dense form would.
  flops: ({ B, T, S, H, headDim }) => ({
    ...matmulFlops(2 * 2 * B * H * T * S * headDim, B * H * T * (SOFTMAX_PER_PAIR * S + headDim)),
    done: seenShare(T),
  }),
  tries: [
    { constants: { B: 2, T: 37, S: 37, H: 2, headDim: 6 } },
    { constants: { B: 1, T: 65, S: 65, H: 2, headDim: 64 } },
    { constants: { B: 1, T: 65, S: 65, H: 2, headDim: 32 } },
    // One query after cached keys, as in generation.
    { constants: { B: 2, T: 1, S: 150, H: 3, headDim: 64 }, inputs: { start: [130] } },
  ],
});

/**
 * With p[t,j] = exp(scale · q[t]·k[j] − lse[t]) for j ≤ t, recomputed, and ds[t,j] = p[t,j] (dY[t]·v[j] − dY[t]·y[t]):
 * dQ[t] (+)= scale · Σⱼ ds[t,j] k[j]; dK[j] (+)= scale · Σₜ ds[t,j] q[t]; dV[j] (+)= Σₜ p[t,j] dY[t].
 * All: (B, T, H, headDim); lse: (B, H, T).
 */
export const attentionBackward = defineKernel({
  name: "attention_backward",
  inputs: ["q", "k", "v", "y", "lse", "dY"],
  outputs: ["dQ", "dK", "dV"],
  constants: {
    B: "u32",
    T: "u32",
    H: "u32",
    headDim: "u32",
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
  sizes: ({ B, T, H, headDim }) => {
    const heads = B * T * H * headDim;
    return { q: heads, k: heads, v: heads, y: heads, lse: B * H * T, dY: heads, dQ: heads, dK: heads, dV: heads };
  },
  // Scores, dY·Vᵀ, dQ, dK and dV; dY·y, and the final scales of dQ and dK. A GPU computes the first two twice: they count
  // once.
  flops: ({ B, T, H, headDim }) => ({
    ...matmulFlops(5 * 2 * B * H * T * T * headDim, B * H * T * (SOFTMAX_PER_PAIR * T + 4 * headDim)),
    done: seenShare(T),
  }),
  tries: [
    { constants: { B: 2, T: 37, H: 2, headDim: 6, accumulateQuery: 0, accumulateKey: 1, accumulateValue: 0 } },
    { constants: { B: 1, T: 65, H: 2, headDim: 64, accumulateQuery: 0, accumulateKey: 1, accumulateValue: 0 } },
    { constants: { B: 1, T: 65, H: 2, headDim: 32, accumulateQuery: 1, accumulateKey: 0, accumulateValue: 0 } },
    // So many heads that a GPU takes each at once.
    {
      constants: { B: 64, T: 65, H: 8, headDim: 32, accumulateQuery: 0, accumulateKey: 0, accumulateValue: 1 },
      large: true,
    },
  ],
});

/** Which keys a query head attends to, beyond those of its own number and all before it. */
export interface AttentionOptions {
  /**
   * Heads of keys and values, each shared by numHeads / numKeyValueHeads query heads side by side; default: numHeads.
   * Source: Ainslie et al. 2023, arXiv:2305.13245.
   */
  readonly numKeyValueHeads?: number;
  /**
   * How many keys a query sees at most, its own position's and those right before it; default: all. Source: Beltagy et al.
   * 2020, arXiv:2004.05150.
   */
  readonly slidingWindow?: number;
}

/**
 * Multi-head causal self-attention on projected and rotated heads, without materialising the scores.
 *
 * @param q (batch, seqLen, numHeads · headDim)
 * @param k (batch, keys, numKeyValueHeads · headDim): `keys` equals seqLen in training, and a KV cache's capacity in
 *   generation
 * @param v Shape of `k`.
 * @param numHeads Heads of queries, side by side in the last dimension.
 * @param start (1) of type u32: the position of the first query among the keys; query t sees keys 0 … start + t. At most
 *   keys − seqLen. Or (batch), one for each sequence, where each has one query.
 * @returns (batch, seqLen, numHeads · headDim)
 * @throws {RangeError} If shapes or options disagree. The backward rule also needs `keys` = seqLen, so one `start`
 *   that holds 0.
 * @throws {TypeError} If `start` is not of type u32, or another is.
 *
 * Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2).
 */
export function attention(
  graph: Graph,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  numHeads: number,
  start: Tensor,
  { numKeyValueHeads = numHeads, slidingWindow = Infinity }: AttentionOptions = {},
): Tensor {
  const [B, T, D] = q.shape;
  const S = k.shape[1];
  if (q.shape.length !== 3 || !(numHeads >= 1) || !Number.isInteger(D / numHeads)) {
    throw new RangeError(`Cannot apply attention: got ${q} and ${numHeads} heads, must be (B, T, heads · head size)`);
  }
  requireOptions(numHeads, numKeyValueHeads, slidingWindow);
  const H = numHeads;
  const headDim = D / H;
  requireShape("attention", k, [B, S, numKeyValueHeads * headDim]);
  requireSameShape("attention", k, v);
  requireStarts("attention", start, B);
  const isByLanes = start.size > 1;
  if (isByLanes && T > 1) {
    throw new RangeError(
      `Cannot apply attention: got ${start} for ${T} queries of each sequence, must have one query each or shape (1)`,
    );
  }
  if (S < T) {
    throw new RangeError(`Cannot apply attention: got ${T} queries and ${S} keys, must be at least as many keys`);
  }
  requireBelow("attention", start, S - T + 1);
  const y = graph.activation(`attention(${q.name})`, q.shape);
  const lse = new Tensor(`lse(${q.name})`, [B, H, T]);
  const isPlain = !isByLanes && numKeyValueHeads === H && slidingWindow >= S;
  const grouping = { keyHeads: numKeyValueHeads, window: Math.min(slidingWindow, S) };
  const forward = { inputs: { q, k, v, start }, outputs: { y, lse } };
  if (isPlain) graph.call(attentionForward, { ...forward, constants: { B, T, S, H, headDim } });
  else {
    const kernel = isByLanes ? laneAttentionForward : groupedAttentionForward;
    graph.call(kernel, { ...forward, constants: { B, T, S, H, headDim, ...grouping } });
  }
  return graph.record({
    op: "attention",
    inputs: [q, k, v],
    output: y,
    backward: (dY, gradients) => {
      requireShape("attention's backward rule", start, [1]);
      requireShape("attention's backward rule", k, [B, T, numKeyValueHeads * headDim]);
      const [toQuery, toKey, toValue] = [q, k, v].map((x) => gradients.into(x));
      const backward = {
        inputs: { q, k, v, y, lse, dY },
        outputs: { dQ: toQuery.target, dK: toKey.target, dV: toValue.target },
      };
      const constants = {
        B,
        T,
        H,
        headDim,
        accumulateQuery: toQuery.accumulate,
        accumulateKey: toKey.accumulate,
        accumulateValue: toValue.accumulate,
      };
      if (isPlain) graph.call(attentionBackward, { ...backward, constants });
      else graph.call(groupedAttentionBackward, { ...backward, constants: { ...constants, ...grouping } });
    },
  });
}

/** @throws {RangeError} If heads cannot be shared out, or a query would see no key. */
function requireOptions(numHeads: number, numKeyValueHeads: number, slidingWindow: number): void {
  if (!Number.isInteger(numKeyValueHeads) || numKeyValueHeads < 1 || numHeads % numKeyValueHeads !== 0) {
    throw new RangeError(
      `Cannot apply attention: got ${numKeyValueHeads} heads of keys for ${numHeads} heads, must be a divisor of these`,
    );
  }
  if (slidingWindow !== Infinity && !(Number.isSafeInteger(slidingWindow) && slidingWindow >= 1)) {
    throw new RangeError(`Cannot apply attention: got a window of ${slidingWindow} keys, must be at least 1`);
  }
}
