import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { DeviceStorage, Tensor } from "../graph/tensor.ts";
import { requireShape } from "../ops/shapes.ts";
import { finiteNorm } from "./clip_grad_norm.ts";

/**
 * y[0] = dLoss[0] · state[0]: the gradient that flows into the loss, scaled. dLoss, y: (1); state: (4), see `LossScale`.
 * In `kernels/wgsl` alone, as the next one is: only programs in f16 call them.
 */
export const lossScaleApply = defineKernel({
  name: "loss_scale_apply",
  inputs: ["dLoss", "state"],
  outputs: ["y"],
  constants: {},
  sizes: () => ({ dLoss: 1, state: 4, y: 1 }),
  flops: () => otherFlops(1),
});

/**
 * From norms: (2), the scaled gradients' norm first, and schedule: (S), what the optimizer is to be told, makes
 * clip: (2) = norm / scale, and the factor min(1, maxNorm / (clip[0] + 1e-6)) / scale; and told: (S) = schedule, with
 * c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ of the updates made so far in the places 1 and 2, if S is 3. Doubles the scale after
 * `growthSteps` updates in a row. Where the norm is not finite: clip = (norm, 0), which stands for no update, and half the
 * scale. state: (4) = scale, updates since the scale changed, c₁, c₂; read and written.
 */
export const lossScaleUpdate = defineKernel({
  name: "loss_scale_update",
  inputs: ["norms", "schedule"],
  outputs: ["state", "clip", "told"],
  constants: {
    S: "u32",
    growthSteps: "u32",
    maxNorm: "f32",
    beta1: "f32",
    beta1Rest: "f32",
    beta2: "f32",
    beta2Rest: "f32",
  },
  writes: { state: "updated" },
  sizes: ({ S }) => ({ norms: 2, schedule: S, state: 4, clip: 2, told: S }),
  // The norm, the factor, two corrections and the scale.
  flops: () => otherFlops(12),
});

/** How the loss is scaled. */
export interface LossScaleOptions {
  /** The first scale; a power of 2, so that scaling rounds nothing. */
  readonly initial: number;
  /** Updates in a row after which the scale is doubled. */
  readonly growthSteps: number;
}

/** PyTorch's torch.amp.GradScaler has the same. */
export const LOSS_SCALE_DEFAULTS: LossScaleOptions = { initial: 2 ** 16, growthSteps: 2000 };

/** What the update of the scale must know of clipping and of the optimizer. */
export interface LossScaleUpdateOptions {
  /** The largest norm left as it is; Infinity switches clipping off. */
  readonly maxNorm: number;
  /** AdamW's decay of the first moment; 0 for an optimizer without one. */
  readonly beta1: number;
  /** AdamW's decay of the second moment; 0 for an optimizer without one. */
  readonly beta2: number;
}

/**
 * Dynamic loss scaling on the device: gradients that would vanish in f16 are multiplied by a scale on their way back, and
 * the optimizer divides by it. An overflow skips the update and halves the scale; a long stretch without doubles it.
 *
 * Source: Micikevicius et al. 2018, arXiv:1710.03740.
 */
export class LossScale {
  /** (4): the scale, updates since it changed, and AdamW's two corrections. Goes on from step to step. */
  readonly state: Tensor;
  readonly #options: LossScaleOptions;

  /** Begins with the first scale when a program that uses it is loaded. */
  constructor(options: LossScaleOptions = LOSS_SCALE_DEFAULTS) {
    const storage = new DeviceStorage("loss scale", 16, () => Float32Array.of(options.initial, 0, 0, 0));
    this.state = new Tensor("loss scale", [4], { placement: { storage, byteOffset: 0 } });
    this.#options = options;
  }

  /** Appends the scaling of `dLoss` (1). */
  apply(graph: Graph, dLoss: Tensor): Tensor {
    requireShape("LossScale", dLoss, [1]);
    const y = new Tensor(`scaled ${dLoss.name}`, [1]);
    graph.call(lossScaleApply, { inputs: { dLoss, state: this.state }, outputs: { y }, constants: {} });
    return y;
  }

  /**
   * Appends the update of the scale.
   * @param norms (2), as `clipGradNorm` makes it of the scaled gradients.
   * @param schedule What the host wrote for the optimizer.
   * @returns What the optimizer is to be given in their place: `clip` and `schedule`.
   */
  update(
    graph: Graph,
    norms: Tensor,
    schedule: Tensor,
    { maxNorm, beta1, beta2 }: LossScaleUpdateOptions,
  ): { readonly clip: Tensor; readonly schedule: Tensor } {
    const clip = new Tensor("clip of unscaled gradients", [2]);
    const told = new Tensor("schedule of updates made", schedule.shape);
    graph.call(lossScaleUpdate, {
      inputs: { norms, schedule },
      outputs: { state: this.state, clip, told },
      constants: {
        S: schedule.size,
        growthSteps: this.#options.growthSteps,
        maxNorm: finiteNorm(maxNorm),
        beta1,
        beta1Rest: 1 - beta1,
        beta2,
        beta2Rest: 1 - beta2,
      },
    });
    return { clip, schedule: told };
  }
}
