import { OptionError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
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
  /** Largest global gradient norm. */
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

/**
 * Checks a training configuration.
 * @returns It, unchanged.
 * @throws {OptionError} Naming the first value that cannot work, and what it must be.
 */
export function validateTrainingConfig(config: TrainingConfig): TrainingConfig {
  const check = (key: keyof TrainingConfig, isValid: boolean, mustBe: string) => {
    const got = typeof config[key] === "string" ? JSON.stringify(config[key]) : config[key];
    if (!isValid) throw new OptionError(`Cannot train: got ${key} ${got}, must be ${mustBe}`);
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
  check("samplePrompt", typeof samplePrompt === "string", "a text");
  check("sampleTokens", Number.isSafeInteger(sampleTokens) && sampleTokens >= 1, "a positive integer");
  for (const key of ["beta1", "beta2"] as const) {
    check(key, Number.isFinite(config[key]) && config[key] >= 0 && config[key] < 1, "a number at least 0 and below 1");
  }
  // Runs of earlier versions do not say it.
  check("dtype", ["f32", "f16", undefined].includes(config.dtype), "f32 or f16");
  check("optimizer", ["adamw", "sgd"].includes(config.optimizer), "adamw or sgd");
  check("decay", ["all", "matrices"].includes(config.decay), "all or matrices");
  check("schedule", SCHEDULES.includes(config.schedule), `one of ${SCHEDULES.join(", ")}`);
  check("lr", Number.isFinite(config.lr) && config.lr > 0, "a number above 0");
  const { lr, minLr, clip } = config;
  check("minLr", Number.isFinite(minLr) && minLr >= 0 && minLr <= lr, `a number from 0 to lr (${lr})`);
  check("eps", Number.isFinite(config.eps) && config.eps > 0, "a number above 0");
  check("weightDecay", Number.isFinite(config.weightDecay) && config.weightDecay >= 0, "a number, 0 or more");
  check("clip", typeof clip === "number" && clip > 0, "a number above 0");
  return config;
}
