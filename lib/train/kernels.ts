import type { Kernel } from "../graph/kernel.ts";
import { OP_KERNELS } from "../ops/kernels.ts";
import { advanceSchedule } from "./optimizer/advance_schedule.ts";
import { clipGradNormFactor, clipGradNormPartials } from "./optimizer/clip_grad_norm.ts";
import { lossScaleApply, lossScaleUpdate } from "./optimizer/loss_scale.ts";
import { OPTIMIZERS } from "./optimizer/registry.ts";

/** Every kernel that programs of this library call: those of ops, and the others of a training step. */
export const KERNELS: readonly Kernel[] = [
  ...OP_KERNELS,
  clipGradNormPartials,
  clipGradNormFactor,
  lossScaleApply,
  lossScaleUpdate,
  advanceSchedule,
  ...Object.values(OPTIMIZERS).flatMap(({ kernels }) => kernels),
];
