import { option, OptionError, say, type Wording } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import { excerpt } from "../io/excerpt.ts";
import { ABOVE_0, isNumber, LARGEST, type NumberOption, SMALLEST } from "./optimizer/number_option.ts";
import {
  NUMBER_DEFAULTS,
  NUMBER_OPTIONS,
  OPTIMIZER_NAMES,
  type OptimizerName,
  type OptimizerNumbers,
} from "./optimizer/registry.ts";
import { AVERAGE_SHARE, isAverageShare } from "./weight_average.ts";
import { type ScheduleOptions, SCHEDULES } from "./schedule.ts";

/** How a model is trained; saved in a run's config.json. */
export interface TrainingConfig extends OptimizerNumbers, ScheduleOptions {
  /** The optimizer that updates the weights. It reads its own settings. */
  readonly optimizer: OptimizerName;
  /** What the weight decay applies to: all parameters, or all but norms and biases. */
  readonly decay: "all" | "matrices";
  /**
   * Parameters that stay as they are, bit for bit: their names, or the beginnings of names up to a dot (`layers.0` stands
   * for all of that layer's). No gradient of them is computed, none has a share in the clipped norm, and the optimizer
   * keeps nothing for them. They are saved with the others. None, where there is no such list.
   */
  readonly frozen?: readonly string[];
  /**
   * Train low-rank adapters of this rank beside linear maps inside blocks, and leave all of the model's own parameters as
   * they are: see `LoraOptions`. Such a run starts from another run's weights. Where it is absent, there are no adapters.
   */
  readonly loraRank?: number;
  /** What adapters' products are multiplied by, times the rank; the rank where it is absent. */
  readonly loraAlpha?: number;
  /** Which linear maps have adapters; `q_proj` and `v_proj` where it is absent. */
  readonly loraTargets?: readonly string[];
  /** Sequences that go through the model together. */
  readonly batchSize: number;
  /** Such batches per step, whose gradients are averaged before the update. */
  readonly gradAccumulation: number;
  /** Tokens per sequence, in training and validation; the model's context length where it is absent. */
  readonly seqLen?: number;
  /** Optimizer updates. */
  readonly steps: number;
  /**
   * Seconds that a run is to fill, validations and checkpoints included. While no step's learning rate depends on how many
   * there are (`constant`, or `wsd` before its decay), `trainRun` changes `steps`, and `decaySteps` in proportion, so that
   * the run ends with this time however fast the machine is. Where it is absent, `steps` is kept.
   */
  readonly timeBudget?: number;
  /** The format that the model computes in: see `GraphOptions.precision`. f16 needs a GPU with shader-f16, bf16 the native backend. */
  readonly dtype: Precision;
  /** The share of the embeddings and of sublayers' outputs that is dropped in training; none where it is absent. */
  readonly dropout?: number;
  /**
   * The factor of a z-loss: the gradient is that of the loss + zLoss · the mean of log²Z over targets, where Z is the sum
   * of exp(logit); none where it is absent. Losses stay cross-entropies, so that runs with and without it compare.
   *
   * Source: Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, with 1e-4.
   */
  readonly zLoss?: number;
  /**
   * Keep a running average of the weights too, over about the last share of the steps: above 0, at most 1. It is validated
   * beside the weights, and `trainRun` takes the better of the two for the run's model. None where it is absent.
   */
  readonly averageWeights?: number;
  /** The largest global gradient norm; 0 for no clipping. */
  readonly clip: number;
  /** Decides the initial weights and the batches. */
  readonly seed: number;
  /** Whether sublayers' output projections start as zeros: see `InitialWeightsOptions`. No, where it is absent. */
  readonly zeroInitOutputs?: boolean;
  /** Steps between two validations. */
  readonly validEvery: number;
  /** Batches in a validation. */
  readonly validBatches: number;
  /**
   * Early stopping: the training ends after so many validations in a row without a lower loss. Where it is absent, all
   * steps are taken.
   */
  readonly patience?: number;
  /** Steps between two checkpoints. */
  readonly saveEvery: number;
  /** How many of the newest checkpoints to keep. */
  readonly keep: number;
  /** Steps between two samples of the model's text; 0 or absent for no samples. */
  readonly sampleEvery?: number;
  /** The prompt of the samples; empty or absent for the beginning of a document. */
  readonly samplePrompt?: string;
  /** The most new tokens in a sample. */
  readonly sampleTokens?: number;
}

/** Defaults that suit a small model on a small text. */
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
  ...NUMBER_DEFAULTS,
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

/** Tokens per sequence of a training. */
export function seqLenOf(
  { contextLength }: { readonly contextLength: number },
  { seqLen = contextLength }: Pick<TrainingConfig, "seqLen">,
): number {
  return seqLen;
}

/**
 * Checks a training configuration.
 * @returns It, unchanged.
 * @throws {OptionError} If a value cannot work, naming the first one and what it must be.
 */
export function validateTrainingConfig(config: TrainingConfig): TrainingConfig {
  const check = (key: keyof TrainingConfig, isValid: boolean, mustBe: string | Wording) => {
    if (!isValid) {
      throw new OptionError(say`Cannot train: got ${option(key)} ${excerpt(config[key])}, must be ${mustBe}`);
    }
  };
  for (
    const key of ["batchSize", "gradAccumulation", "steps", "validEvery", "validBatches", "saveEvery", "keep"] as const
  ) {
    check(key, Number.isSafeInteger(config[key]) && config[key] >= 1, "a positive integer");
  }
  for (const key of ["warmupSteps", "decaySteps", "seed"] as const) {
    check(key, Number.isSafeInteger(config[key]) && config[key] >= 0, "a whole number, 0 or more");
  }
  const { seqLen = 1 } = config;
  check("seqLen", Number.isSafeInteger(seqLen) && seqLen >= 1, "a positive integer");
  // Absent in runs from before there were samples.
  const { sampleEvery = 0, samplePrompt = "", sampleTokens = 1 } = config;
  check("sampleEvery", Number.isSafeInteger(sampleEvery) && sampleEvery >= 0, "a whole number, 0 or more");
  const { seed, steps } = config;
  const hasRoom = sampleEvery === 0 || Number.isSafeInteger(seed + steps);
  check("seed", hasRoom, `at most 2^53 − 1 − ${steps}: each sample has a seed of its own, the steps taken further on`);
  check("samplePrompt", typeof samplePrompt === "string", "a text");
  check("sampleTokens", Number.isSafeInteger(sampleTokens) && sampleTokens >= 1, "a positive integer");
  // Also those of other optimizers, so that all settings of a run are valid.
  for (const [key, number] of Object.entries(NUMBER_OPTIONS) as [keyof OptimizerNumbers, NumberOption][]) {
    check(key, number.isValid(config[key]), number.mustBe);
  }
  // Absent in runs of earlier versions.
  check("dtype", ["f32", "f16", "bf16", undefined].includes(config.dtype), "f32, f16 or bf16");
  check("optimizer", OPTIMIZER_NAMES.includes(config.optimizer), `one of ${OPTIMIZER_NAMES.join(", ")}`);
  const { dropout = 0 } = config;
  check("dropout", typeof dropout === "number" && dropout >= 0 && dropout < 1, "0 or more, below 1");
  const { averageWeights = 1 } = config;
  check("averageWeights", isAverageShare(averageWeights), AVERAGE_SHARE);
  const { timeBudget = 1 } = config;
  check("timeBudget", isNumber(timeBudget, SMALLEST, LARGEST), ABOVE_0);
  const { zLoss = 0 } = config;
  check("zLoss", isNumber(zLoss, 0, LARGEST), `a number from 0 to ${LARGEST.toPrecision(2)}`);
  const { zeroInitOutputs = false } = config;
  check("zeroInitOutputs", typeof zeroInitOutputs === "boolean", "true or false");
  const { patience = 1 } = config;
  check("patience", Number.isSafeInteger(patience) && patience >= 1, "a positive integer");
  const { frozen = [] } = config;
  const isNames = Array.isArray(frozen) && frozen.every((name) => typeof name === "string" && name !== "");
  check("frozen", isNames, "a list of parameters' names");
  requireAdapters(config, check);
  check("decay", ["all", "matrices"].includes(config.decay), "all or matrices");
  check("schedule", SCHEDULES.includes(config.schedule), `one of ${SCHEDULES.join(", ")}`);
  check("lr", isNumber(config.lr, SMALLEST, LARGEST), ABOVE_0);
  check("minLr", isNumber(config.minLr, 0, config.lr), say`a number from 0 to ${option("lr")} (${config.lr})`);
  check("clip", config.clip === 0 || isNumber(config.clip, SMALLEST, LARGEST), `0 for no clipping, or ${ABOVE_0}`);
  return config;
}

/** Which ranks and targets a model can have, `adapterSpecs` says. */
function requireAdapters(
  { loraRank, loraAlpha, loraTargets, frozen = [], dtype }: TrainingConfig,
  check: (key: keyof TrainingConfig, isValid: boolean, mustBe: string | Wording) => void,
): void {
  if (loraRank === undefined) {
    const absent = say`absent without ${option("loraRank")}`;
    check("loraAlpha", loraAlpha === undefined, absent);
    check("loraTargets", loraTargets === undefined, absent);
    return;
  }
  const { isArray } = Array;
  const isNames = loraTargets === undefined ||
    isArray(loraTargets) && loraTargets.every((name) => typeof name === "string");
  check("loraTargets", isNames, "a list of linear maps' names");
  check("loraAlpha", loraAlpha === undefined || isNumber(loraAlpha, SMALLEST, LARGEST), ABOVE_0);
  check("loraRank", Number.isSafeInteger(loraRank) && loraRank >= 1, "a positive integer");
  check("frozen", frozen.length === 0, say`none with ${option("loraRank")}, which trains nothing but adapters`);
  check("dtype", dtype !== "f16", say`f32 or bf16 with ${option("loraRank")}`);
}
