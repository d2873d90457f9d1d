import type { Graph } from "../../graph/graph.ts";
import { defineKernel, otherFlops } from "../../graph/kernel.ts";
import { DeviceStorage, Tensor } from "../../graph/tensor.ts";
import { requireShape } from "../../ops/shapes.ts";
import { appendAdvance, countsOf, ratesTensor } from "./advance_schedule.ts";
import { finiteNorm } from "./clip_grad_norm.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/**
 * y[0] = dLoss[0] · state[0]: the gradient that flows into the loss, scaled. dLoss, y: (1); state: (N), see `LossScale`.
 * In `kernels/wgsl` alone, as the next one is: only programs in f16 call them.
 */
export const lossScaleApply = defineKernel({
  name: "loss_scale_apply",
  inputs: ["dLoss", "state"],
  outputs: ["y"],
  constants: { N: "u32" },
  sizes: ({ N }) => ({ dLoss: 1, state: N, y: 1 }),
  flops: () => otherFlops(1),
});

/**
 * From norms: (2), the scaled gradients' norm first, makes clip: (2) = norm / scale, and the factor
 * min(1, maxNorm / (clip[0] + 1e-6)) / scale. Doubles the scale after `growthSteps` updates in a row. Where the norm is not
 * finite: clip = (norm, 0), which stands for no update, and half the scale. state: (N) = scale, updates since the scale
 * changed, and what this kernel leaves alone; read and written.
 */
export const lossScaleUpdate = defineKernel({
  name: "loss_scale_update",
  inputs: ["norms"],
  outputs: ["state", "clip"],
  constants: { N: "u32", growthSteps: "u32", maxNorm: "f32" },
  writes: { state: "updated" },
  sizes: ({ N }) => ({ norms: 2, state: N, clip: 2 }),
  // The norm, the factor and the scale.
  flops: () => otherFlops(6),
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

/** What loss scaling must know of an optimizer: which of the numbers that it is told count updates. */
export interface ToldOptimizer {
  /** In the order of its schedule. */
  readonly entries: readonly ScheduleEntry[];
}

/** Places of the state that are the scale's own; the optimizers' counts follow. */
const OWN_PLACES = 2;

/** The least size of the state: what checkpoints held when AdamW's two counts were always among it. */
const LEAST_PLACES = 4;

/**
 * Dynamic loss scaling on the device: gradients that would vanish in f16 are multiplied by a scale on their way back, and
 * the optimizers divide by it. An overflow skips every optimizer's update and halves the scale; a long stretch without
 * doubles it. The host does not know which updates were skipped, so what counts them is worked out on the device, as each
 * optimizer declares.
 *
 * Source: Micikevicius et al. 2018, arXiv:1710.03740.
 */
export class LossScale {
  /** (4 or more): the scale, updates since it changed, and the optimizers' counts. Goes on from step to step. */
  readonly state: Tensor;
  readonly #options: LossScaleOptions;
  /** Of each optimizer with counts: where they begin, and how they advance. */
  readonly #counts = new Map<ToldOptimizer, { readonly first: number; readonly rates: Tensor }>();

  /** Begins with the first scale when a program that uses it is loaded. */
  constructor(options: LossScaleOptions = LOSS_SCALE_DEFAULTS, optimizers: readonly ToldOptimizer[] = []) {
    let places = OWN_PLACES;
    for (const optimizer of optimizers) {
      const counts = countsOf(optimizer.entries);
      if (counts === 0) continue;
      this.#counts.set(optimizer, { first: places, rates: ratesTensor(optimizer.entries) });
      places += counts;
    }
    const size = Math.max(places, LEAST_PLACES);
    const initial = () => Float32Array.from({ length: size }, (_, i) => i === 0 ? options.initial : 0);
    const storage = new DeviceStorage("loss scale", 4 * size, initial);
    this.state = new Tensor("loss scale", [size], { placement: { storage, byteOffset: 0 } });
    this.#options = options;
  }

  /** All that it keeps in memory. */
  get storages(): readonly DeviceStorage[] {
    const tensors = [this.state, ...this.#counts.values().map(({ rates }) => rates)];
    return tensors.map(({ placement }) => placement!.storage);
  }

  /** Appends the scaling of `dLoss` (1). */
  apply(graph: Graph, dLoss: Tensor): Tensor {
    requireShape("LossScale", dLoss, [1]);
    const y = new Tensor(`scaled ${dLoss.name}`, [1]);
    const constants = { N: this.state.size };
    graph.call(lossScaleApply, { inputs: { dLoss, state: this.state }, outputs: { y }, constants });
    return y;
  }

  /**
   * Appends the update of the scale.
   * @param norms (2), as `clipGradNorm` makes it of the scaled gradients.
   * @param maxNorm The largest norm left as it is; Infinity switches clipping off.
   * @returns (2): what the optimizers are to be given in place of `norms`.
   */
  update(graph: Graph, norms: Tensor, maxNorm: number): Tensor {
    const clip = new Tensor("clip of unscaled gradients", [2]);
    const { growthSteps } = this.#options;
    const constants = { N: this.state.size, growthSteps, maxNorm: finiteNorm(maxNorm) };
    graph.call(lossScaleUpdate, { inputs: { norms }, outputs: { state: this.state, clip }, constants });
    return clip;
  }

  /**
   * Appends what makes a schedule that counts steps one that counts updates.
   * @param clip What `update` returned.
   * @param schedule What the host wrote for the optimizer, which is one of those that the scale was made for.
   * @returns What the optimizer is to be told: `schedule` itself, where nothing of it counts.
   */
  tell(graph: Graph, clip: Tensor, schedule: Tensor, optimizer: ToldOptimizer): Tensor {
    const counts = this.#counts.get(optimizer);
    if (counts === undefined) return schedule;
    return appendAdvance(graph, { clip, schedule, rates: counts.rates }, this.state, counts.first);
  }
}
