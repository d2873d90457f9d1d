/**
 * Counts parameters, bytes, FLOPs and time from a model's shape or a program, and measures them on a device.
 *
 * @example What it would take to train GPT-2 XL
 * ```ts
 * import { account, GPT2_SHAPES } from "@bytelm/bytelm/accounting";
 *
 * const { parameters, training } = account({ name: "gpt2-xl", shape: GPT2_SHAPES["gpt2-xl"], device: "h100" });
 * console.log(parameters.total, training.time.days);
 * ```
 *
 * @module
 */
export { type Device, type DeviceName, DEVICES } from "./devices.ts";
export {
  type CountedCall,
  type CountedProgram,
  type CountedStorage,
  countProgram,
  type ProgramFlops,
  type ProgramMemory,
  programMemory,
} from "./program.ts";
export type { MachineLimits } from "./roofline.ts";
export { type Account, account, type AccountRequest } from "./report.ts";
export { expectedLoss, isWithinFit, LOSS_FITS, type LossFit } from "./expected_loss.ts";
export { formatAccount } from "./report_text.ts";
export { GPT2_SHAPES, type ModelShape } from "./shape.ts";
export {
  measureTraining,
  predictTraining,
  type TrainingMeasurement,
  type TrainingPrediction,
  type TrainingRun,
} from "./training_summary.ts";
export { type Duration, modelFlopsUtilisation, type StepFlops } from "./time.ts";
export type { ActivationItem } from "./activations.ts";
export type { ForwardFlops, OpFlops } from "./flops.ts";
export type { BatchChoice, TrainingMemory } from "./memory.ts";
export type { UpdateItem, UpdatePart } from "./optimizer.ts";
export type { ParameterItem } from "./parameters.ts";
export type { PlannedMemory, PlannedStep } from "./planned_memory.ts";
export type { PrecisionName } from "./precision.ts";

// What a device can do
