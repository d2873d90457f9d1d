import { OptionError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import { excerpt } from "../io/excerpt.ts";
import type { OptimizerOptions } from "./optimizer.ts";
import { type ScheduleOptions, SCHEDULES } from "./schedule.ts";

/** How a model is trained; saved in a run's config.json. */
export interface TrainingConfig extends Required<OptimizerOptions>, ScheduleOptions {
  /** Sequences that go through the model together. */
  readonly batchSize: number;
  /** Such batches per step, whose gradients are averaged before the update. */
  readonly gradAccumulation: number;
  /** Optimizer updates. */
  readonly steps: number;
  /** What the model computes in: see `GraphOptions.precision`. f16 needs a GPU with shader-f16. */
  readonly dtype: Precision;
  /** Largest global gradient norm; 0 for no clipping. */
  readonly clip: number;
  /** Decides the initial weights and the batches. */
  readonly seed: number;
  /** Steps between two validations. */
  readonly validEvery: number;
  /** Batches in a validation. */
  readonly validBatches: number;
  /** Steps between two checkpoints. */
  readonly saveEvery: number;
  /** Newest checkpoints that are kept. */
  readonly keep: number;
  /** Steps between two samples of the model's text; 0, or none, for no samples. */
  readonly sampleEvery?: number;
  /** What the samples go on from; empty, or none, for the beginning of a document. */
  readonly samplePrompt?: string;
  /** New tokens in a sample, at most. */
  readonly sampleTokens?: number;
}

/** Values that serve a small model on a small text. */
export const TRAINING_DEFAULTS: TrainingConfig = {
  batchSize: 16,
  gradAccumulation: 1,
  steps: 500,
  optimizer: "adamw",
  schedule: "cosine",
  lr: 3e-3,
  minLr: 3e-4,
  warmupSteps: 25,
  decaySteps: 100,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  decay: "all",
  dtype: "f32",
  clip: 1,
  seed: 0,
  validEvery: 100,
  validBatches: 20,
  saveEvery: 200,
  keep: 2,
  sampleEvery: 0,
  samplePrompt: "",
  sampleTokens: 100,
};

/** The smallest number above 0 that a float32 holds in full precision, and the largest: a device computes with these. */
const SMALLEST = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * Checks a training configuration.
 * @returns It, unchanged.
 * @throws {OptionError} Naming the first value that cannot work, and what it must be.
 */
export function validateTrainingConfig(config: TrainingConfig): TrainingConfig {
  const check = (key: keyof TrainingConfig, isValid: boolean, mustBe: string) => {
    if (!isValid) throw new OptionError(`Cannot train: got ${key} ${excerpt(config[key])}, must be ${mustBe}`);
  };
  for (
    const key of ["batchSize", "gradAccumulation", "steps", "validEvery", "validBatches", "saveEvery", "keep"] as const
  ) {
    check(key, Number.isSafeInteger(config[key]) && config[key] >= 1, "a positive integer");
  }
  for (const key of ["warmupSteps", "decaySteps", "seed"] as const) {
    check(key, Number.isSafeInteger(config[key]) && config[key] >= 0, "a whole number, 0 or more");
  }
  // Runs of before there were samples say nothing of them.
  const { sampleEvery = 0, samplePrompt = "", sampleTokens = 1 } = config;
  check("sampleEvery", Number.isSafeInteger(sampleEvery) && sampleEvery >= 0, "a whole number, 0 or more");
  const { seed, steps } = config;
  const hasRoom = sampleEvery === 0 || Number.isSafeInteger(seed + steps);
  check("seed", hasRoom, `at most 2^53 − 1 − ${steps}: each sample has a seed of its own, the steps taken further on`);
  check("samplePrompt", typeof samplePrompt === "string", "a text");
  check("sampleTokens", Number.isSafeInteger(sampleTokens) && sampleTokens >= 1, "a positive integer");
  for (const key of ["beta1", "beta2"] as const) {
    // As a float32 too: what rounds to 1 would leave a moment at 0 for ever.
    const isValid = isNumber(config[key], 0, 1) && Math.fround(config[key]) < 1;
    check(key, isValid, "a number at least 0 and below 1");
  }
  // Runs of earlier versions do not say it.
  check("dtype", ["f32", "f16", undefined].includes(config.dtype), "f32 or f16");
  check("optimizer", ["adamw", "sgd"].includes(config.optimizer), "adamw or sgd");
  check("decay", ["all", "matrices"].includes(config.decay), "all or matrices");
  check("schedule", SCHEDULES.includes(config.schedule), `one of ${SCHEDULES.join(", ")}`);
  const above0 = `a number above 0, from ${SMALLEST.toPrecision(2)} to ${LARGEST.toPrecision(2)}`;
  check("lr", isNumber(config.lr, SMALLEST, LARGEST), above0);
  check("minLr", isNumber(config.minLr, 0, config.lr), `a number from 0 to lr (${config.lr})`);
  check("eps", isNumber(config.eps, SMALLEST, LARGEST), above0);
  check("weightDecay", isNumber(config.weightDecay, 0, LARGEST), `a number from 0 to ${LARGEST.toPrecision(2)}`);
  check("clip", config.clip === 0 || isNumber(config.clip, SMALLEST, LARGEST), `0 for no clipping, or ${above0}`);
  return config;
}

/** Whether a value is a number within bounds, both inclusive; NaN is within none. */
function isNumber(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}
