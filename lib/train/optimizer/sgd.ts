import type { Graph } from "../../graph/graph.ts";
import { defineKernel, otherFlops } from "../../graph/kernel.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { requireSameShape, requireShape } from "../../ops/shapes.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { nonNegativeNumber } from "./number_option.ts";
import { LEARNING_RATE } from "./schedule_entry.ts";

/**
 * One step over a flat buffer: parameters = parameters · (1 − lr · weightDecay) − lr · gradients · clip[1].
 * schedule: (1) = lr; clip: (2) as written by clip_grad_norm_factor. parameters are read and written; where
 * clip[1] is 0, they stay as they are.
 */
export const sgdKernel = defineKernel({
  name: "sgd",
  inputs: ["gradients", "clip", "schedule"],
  outputs: ["parameters"],
  constants: { n: "u32", weightDecay: "f32" },
  writes: { parameters: "updated" },
  sizes: ({ n }) => ({ gradients: n, clip: 2, schedule: 1, parameters: n }),
  // The clipping factor, lr, the decay and the difference.
  flops: ({ n }) => otherFlops(4 * n),
  tries: [5003, 5004].map((n) => ({ constants: { n, weightDecay: 0.1 } })),
});

/** The optimizer's fixed number. */
export interface SgdOptions {
  /** Added to each gradient in proportion to its weight. */
  readonly weightDecay: number;
}

/** Everything one step of gradient descent reads and writes; parameters and gradients have one flat shape. */
export interface SgdTensors {
  /** Read and written. */
  readonly parameters: Tensor;
  /** Of the loss, before clipping. */
  readonly gradients: Tensor;
  /** (2): the gradient norm and the factor that clips it. */
  readonly clip: Tensor;
  /** (1), written by the host before each step: the learning rate. */
  readonly schedule: Tensor;
}

/**
 * Appends a step of stochastic gradient descent without momentum. Decay of the weights and a penalty on their squares
 * are the same here; the order of operations is that of torch.optim.SGD up to rounding.
 * Source: Robbins & Monro 1951.
 */
export function sgd(graph: Graph, tensors: SgdTensors, { weightDecay }: SgdOptions): void {
  const { parameters, gradients, clip, schedule } = tensors;
  requireSameShape("sgd", parameters, gradients);
  requireShape("sgd", clip, [2]);
  requireShape("sgd", schedule, [1]);
  graph.call(sgdKernel, {
    inputs: { gradients, clip, schedule },
    outputs: { parameters },
    constants: { n: parameters.size, weightDecay },
  });
}

/** Gradient descent, which keeps nothing. Its FLOPs are counted without the decay. */
export const sgdOptimizer: OptimizerDefinition<SgdOptions> = {
  name: "sgd",
  title: "SGD",
  kernels: [sgdKernel],
  options: { weightDecay: nonNegativeNumber(0.1) },
  state: {},
  schedule: () => [LEARNING_RATE],
  update: (graph, tensors, options) => sgd(graph, tensors, options),
  work: [{ name: "update", formula: "θ − lr·g", flops: 2 }],
};
