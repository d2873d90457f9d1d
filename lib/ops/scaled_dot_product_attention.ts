import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { maskedFill } from "./masked_fill.ts";
import { matmul } from "./matmul.ts";
import { scale } from "./scale.ts";
import { softmax } from "./softmax.ts";

/** Options for {@linkcode scaledDotProductAttention}. */
export interface ScaledDotProductAttentionOptions {
  /**
   * Of type u32, not 0 where a query must not see a key: (T, S), or any number of the last dimensions of the scores
   * (…, T, S). Without it, every query sees every key.
   */
  readonly hidden?: Tensor;
}

/** Scores of what is hidden: far below any other, so that softmax makes them 0. */
const HIDDEN_SCORE = -1e30;

/**
 * Attention with any mask, or none: softmax(q kᵀ / √dK) v. A query from which all keys are hidden gets the mean of all
 * values. It holds the scores, T · S of them for each head, forward and backward: for causal self-attention, take
 * `attention`, which does not.
 *
 * @param q (…, T, dK)
 * @param k (…, S, dK)
 * @param v (…, S, dV)
 * @returns (…, T, dV)
 * @throws {RangeError} If shapes disagree, or `hidden` has not the last dimensions of the scores.
 * @throws {TypeError} If `hidden` is not of type u32, or another is.
 *
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1.
 */
export function scaledDotProductAttention(
  graph: Graph,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { hidden }: ScaledDotProductAttentionOptions = {},
): Tensor {
  const scores = scale(graph, matmul(graph, q, k, { transposeB: true }), 1 / Math.sqrt(q.lastDim));
  const seen = hidden === undefined ? scores : maskedFill(graph, scores, hidden, HIDDEN_SCORE);
  return matmul(graph, softmax(graph, seen), v);
}
