import type { Graph } from "../../graph/graph.ts";
import { defineKernel, otherFlops } from "../../graph/kernel.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { requireSameShape, requireShape } from "../../ops/shapes.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { meanDecay, nonNegativeNumber, positiveNumber } from "./number_option.ts";
import { biasCorrection, LEARNING_RATE, type ScheduleEntry } from "./schedule_entry.ts";

/**
 * One step over a flat buffer: g = gradients · clip[1]; m = β₁ m + (1 − β₁) g; v = β₂ v + (1 − β₂) g²;
 * parameters = parameters · (1 − lr · weightDecay) − lr · (m / c₁) / (√(v / c₂) + eps).
 * schedule: (3) = lr, c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ; clip: (2) as written by clip_grad_norm_factor.
 * parameters, m and v are read and written. Where clip[1] is 0, they stay as they are.
 */
export const adamwKernel = defineKernel({
  name: "adamw",
  inputs: ["gradients", "clip", "schedule"],
  outputs: ["parameters", "m", "v"],
  constants: { n: "u32", beta1: "f32", beta2: "f32", eps: "f32", weightDecay: "f32" },
  writes: { parameters: "updated", m: "updated", v: "updated" },
  sizes: ({ n }) => ({ gradients: n, clip: 2, schedule: 3, parameters: n, m: n, v: n }),
  // 15 for AdamW, 1 to apply the clipping factor.
  flops: ({ n }) => otherFlops(16 * n),
  tries: [5003, 5004].map((n) => ({
    constants: { n, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 },
    inputs: { schedule: [0.01, 0.2, 0.1] },
  })),
});

/** The optimizer's fixed numbers. */
export interface AdamWOptions {
  /** Decay of the first moment: 0 or more, below 1. */
  readonly beta1: number;
  /** Decay of the second moment: 0 or more, below 1. */
  readonly beta2: number;
  /** Added to the root of the second moment; above 0. */
  readonly eps: number;
  /** Share of a weight that is taken off per step, times the learning rate. */
  readonly weightDecay: number;
}

/** Everything one optimizer step reads and writes; parameters, gradients, m and v have one flat shape. */
export interface AdamWTensors {
  /** Read and written. */
  readonly parameters: Tensor;
  /** Of the loss, before clipping. */
  readonly gradients: Tensor;
  /** First moments. */
  readonly m: Tensor;
  /** Second moments. */
  readonly v: Tensor;
  /** (2): the gradient norm and the factor that clips it. */
  readonly clip: Tensor;
  /** (3), written by the host before each step: see `adamwSchedule`. */
  readonly schedule: Tensor;
}

/**
 * Appends an AdamW update with decoupled weight decay.
 * Source: Loshchilov & Hutter 2017, arXiv:1711.05101; the same order of operations as torch.optim.AdamW.
 */
export function adamw(graph: Graph, tensors: AdamWTensors, options: AdamWOptions): void {
  const { parameters, gradients, m, v, clip, schedule } = tensors;
  for (const other of [gradients, m, v]) requireSameShape("adamw", parameters, other);
  requireShape("adamw", clip, [2]);
  requireShape("adamw", schedule, [3]);
  const { beta1, beta2, eps, weightDecay } = options;
  graph.call(adamwKernel, {
    inputs: { gradients, clip, schedule },
    outputs: { parameters, m, v },
    constants: { n: parameters.size, beta1, beta2, eps, weightDecay },
  });
}

/** What an update is told: lr, c₁ and c₂. */
function entries({ beta1, beta2 }: AdamWOptions): readonly ScheduleEntry[] {
  return [LEARNING_RATE, biasCorrection(beta1), biasCorrection(beta2)];
}

/**
 * What the host writes into `schedule` before step t, counted from 1.
 * @param lr The learning rate of this step.
 */
export function adamwSchedule(lr: number, t: number, options: AdamWOptions): [number, number, number] {
  const [rate, first, second] = entries(options).map((entry) => entry.value(lr, t));
  return [rate, first, second];
}

/**
 * AdamW, with two moments per parameter and both bias corrections applied to them.
 *
 * FLOPs by this convention: each add, subtract, multiply, divide and square root of a parameter's own numbers is one. What
 * is the same for all parameters (1 − β₁, the bias corrections c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ, 1 − lr·λ) is computed once a
 * step and not counted. Folding both corrections into the step size, as in Kingma & Ba 2014 (arXiv:1412.6980, section 2),
 * would save 2 of the 15, folding the first alone, as torch.optim.AdamW does, 1.
 *
 * Source: Loshchilov & Hutter 2017, arXiv:1711.05101, algorithm 2.
 */
export const adamwOptimizer: OptimizerDefinition<AdamWOptions> = {
  name: "adamw",
  title: "AdamW",
  kernels: [adamwKernel],
  options: {
    beta1: meanDecay(0.9),
    beta2: meanDecay(0.95),
    eps: positiveNumber(1e-8),
    weightDecay: nonNegativeNumber(0.1),
  },
  state: { first_moment: "first moments", second_moment: "second moments" },
  schedule: entries,
  update(graph, { state: { first_moment: m, second_moment: v }, ...tensors }, options) {
    adamw(graph, { ...tensors, m, v }, options);
  },
  work: [
    { name: "first moment", formula: "m = β₁·m + (1−β₁)·g", flops: 3 },
    { name: "second moment", formula: "v = β₂·v + (1−β₂)·g·g", flops: 4 },
    { name: "bias correction", formula: "m/c₁, v/c₂", flops: 2 },
    { name: "update", formula: "θ − lr·m̂/(√v̂ + ε)", flops: 5 },
    { name: "decay", formula: "θ·(1 − lr·λ)", flops: 1 },
  ],
};
