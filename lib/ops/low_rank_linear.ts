import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { linear } from "./linear.ts";
import { scale } from "./scale.ts";
import { requireShape } from "./shapes.ts";

/** What is added to a linear map: the product of two narrow matrices. */
export interface LowRankAdapter {
  /** A: (rank, inFeatures) */
  readonly down: Tensor;
  /** B: (outFeatures, rank) */
  readonly up: Tensor;
  /** What their product is multiplied by: alpha / rank. */
  readonly factor: number;
}

/**
 * A linear map with a low-rank adapter: y = x Wᵀ + bias + factor · (x Aᵀ) Bᵀ. It is the linear map of
 * W + factor · B A, but where only A and B are trained, neither that sum nor its gradient is ever made.
 *
 * Source: Hu et al. 2021, arXiv:2106.09685.
 *
 * @param x (…, inFeatures)
 * @param weight (outFeatures, inFeatures)
 * @param bias (outFeatures)
 * @returns (…, outFeatures)
 * @throws {RangeError} If a shape does not fit, or the factor is not finite as a float32.
 * @throws {TypeError} If the graph is of f16: a sum of two linear maps would lose what the adapter adds to rounding.
 */
export function lowRankLinear(
  graph: Graph,
  x: Tensor,
  weight: Tensor,
  { down, up, factor }: LowRankAdapter,
  bias?: Tensor,
): Tensor {
  if (graph.precision === "f16") {
    throw new TypeError("Cannot apply a low-rank adapter: got a graph of f16, must be one of f32 or bf16");
  }
  const rank = down.shape[0];
  requireShape("low-rank linear", down, [rank, x.lastDim]);
  requireShape("low-rank linear", up, [weight.shape[0], rank]);
  const narrow = linear(graph, x, down);
  // The narrow product is the smallest array that the factor can be applied to.
  const scaled = factor === 1 ? narrow : scale(graph, narrow, factor);
  return add(graph, linear(graph, x, weight, bias), linear(graph, scaled, up));
}
