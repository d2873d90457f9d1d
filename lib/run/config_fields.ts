// A run's configuration, read from JSON that may come from anywhere: config.json, and a checkpoint's copy of it.
import { option, OptionError, say } from "../errors.ts";
import type { JsonFields } from "../io/json_fields.ts";
import {
  boolean,
  type FieldReader,
  type FieldReaders,
  integer,
  number,
  oneOf,
  readFields,
  string,
} from "../io/json_record.ts";
import { ARCHITECTURE_DEFAULTS, type ModelConfig, PRESETS, validateModelConfig } from "../model/config.ts";
import { withoutDefaults } from "../model/architecture.ts";
import { MODEL_READERS } from "../model/config_fields.ts";
import { parameterSpecs } from "../model/parameters.ts";
import type { LanguageModelConfig } from "../model/language_model.ts";
import { isTransformerConfig, validateOwnConfig } from "../model/own_config.ts";
import { seqLenOf, TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "../train/config.ts";
import { trainedOf } from "../train/optimizer/frozen.ts";
import { dataRecordOf } from "./data_record.ts";
import { originRecordOf } from "./origin_record.ts";
import {
  NUMBER_DEFAULTS,
  NUMBER_OPTIONS,
  OPTIMIZER_NAMES,
  type OptimizerNumbers,
} from "../train/optimizer/registry.ts";
import { requireSuitable } from "./require_suitable.ts";
import { RECIPE_NAMES } from "./recipes.ts";
import type { RunConfig } from "./run_directory.ts";
import { SCHEDULES } from "../train/schedule.ts";

/** In earlier versions an infinite norm, which JSON wrote as null, switched clipping off; now 0 does. */
const clip: FieldReader<number> = (fields, name) => fields.value(name) === null ? 0 : fields.number(name);

/** The optimizers' numbers. */
const NUMBER_READERS = Object.fromEntries(
  Object.keys(NUMBER_OPTIONS).map((name) => [name, number]),
  // The cast holds: every name has an option.
) as FieldReaders<OptimizerNumbers>;

/** How each field of a training configuration is read. */
export const TRAINING_READERS: FieldReaders<TrainingConfig> = {
  batchSize: integer,
  gradAccumulation: integer,
  steps: integer,
  optimizer: oneOf(OPTIMIZER_NAMES),
  schedule: oneOf(SCHEDULES),
  lr: number,
  minLr: number,
  warmupSteps: integer,
  decaySteps: integer,
  ...NUMBER_READERS,
  decay: oneOf(["all", "matrices"]),
  // What its elements must be, the configuration is checked for as a whole.
  frozen: (fields, name) => fields.list(name) as readonly string[],
  loraRank: integer,
  loraAlpha: number,
  loraTargets: (fields, name) => fields.list(name) as readonly string[],
  dtype: oneOf(["f32", "f16", "bf16"]),
  clip,
  seed: integer,
  zeroInitOutputs: boolean,
  validEvery: integer,
  validBatches: integer,
  dropout: number,
  zLoss: number,
  patience: integer,
  timeBudget: number,
  averageWeights: number,
  saveEvery: integer,
  keep: integer,
  sampleEvery: integer,
  samplePrompt: string,
  sampleTokens: integer,
  seqLen: integer,
};

const PRESET_NAMES = Object.keys(PRESETS);

/** The names that `RunConfig.given` may hold: `model.dModel`, `training.lr`. */
const SETTINGS: readonly unknown[] = [
  ...Object.keys(MODEL_READERS).map((key) => `model.${key}`),
  ...Object.keys(TRAINING_READERS).map((key) => `training.${key}`),
];

const RUN_KEYS = ["recipe", "preset", "given", "model", "training", "from", "data", "backend"];

/** Where a configuration comes from: the names of the recipe and the preset, and the settings that were given. */
export function originFields(fields: JsonFields): Pick<RunConfig, "recipe" | "preset" | "given"> {
  const recipe = fields.has("recipe") ? fields.oneOf("recipe", RECIPE_NAMES) : undefined;
  const preset = fields.has("preset") ? fields.oneOf("preset", PRESET_NAMES) : undefined;
  const given = fields.has("given") ? fields.list("given") : undefined;
  if (given && !given.every((name) => SETTINGS.includes(name))) fields.refuse("given", "a list of settings' names");
  return {
    ...(recipe !== undefined && { recipe }),
    ...(preset !== undefined && { preset }),
    ...(given && { given: given as readonly string[] }),
  };
}

/** Settings that earlier versions did not have, and so did not write. */
const { dtype, sampleEvery, samplePrompt, sampleTokens } = TRAINING_DEFAULTS;
/** Settings that every version wrote: a configuration without them is damaged. Those of other optimizers are newer. */
const ALWAYS_WRITTEN = ["beta1", "beta2", "eps", "weightDecay"];
const NEWER_NUMBERS = Object.entries(NUMBER_DEFAULTS).filter(([name]) => !ALWAYS_WRITTEN.includes(name));
const BEFORE = { dtype, sampleEvery, samplePrompt, sampleTokens, ...Object.fromEntries(NEWER_NUMBERS) };

/** A configuration with all optional settings filled in, so that equal ones compare as equal. */
export function spelledOut<T extends Pick<RunConfig, "model" | "training">>(config: T): T {
  const model = isTransformerConfig(config.model)
    ? { ...ARCHITECTURE_DEFAULTS, ...withoutDefaults(config.model) }
    : config.model;
  const absent = { ...BEFORE, frozen: [], dropout: 0, zLoss: 0, zeroInitOutputs: false };
  return { ...config, model, training: { ...absent, ...config.training } };
}

/** @throws {RangeError} If no such model can be built and trained, naming the first value at fault. */
export function requireUsable({ model, training }: Pick<RunConfig, "model" | "training">): void {
  if (isTransformerConfig(model)) validateModelConfig(model);
  else validateOwnConfig(model);
  validateTrainingConfig(training);
  requireSuitable(model, training);
  const { contextLength } = model;
  const seqLen = seqLenOf(model, training);
  if (seqLen > contextLength) {
    throw new OptionError(
      say`Cannot train: got ${option("seqLen")} ${seqLen}, must be at most ${
        option("contextLength")
      } (${contextLength})`,
    );
  }
  // Which parameters another architecture has, only its program knows.
  if (isTransformerConfig(model)) trainedOf(parameterSpecs(model), training.frozen);
}

/**
 * The shape of a run's model.
 * @throws {UserError} If a field is unknown or of the wrong kind.
 * @throws {RangeError} If no such model can be built.
 */
export function modelConfigOf(fields: JsonFields): LanguageModelConfig {
  const kept = fields.object("model");
  // The casts are checked in the same breath.
  if (kept.has("architecture")) return validateOwnConfig(kept.record as unknown as LanguageModelConfig);
  const model = readFields(kept, MODEL_READERS) as ModelConfig;
  return validateModelConfig({ ...ARCHITECTURE_DEFAULTS, ...model });
}

/**
 * A run's configuration.
 * @throws {UserError} If a field is missing, unknown, or of the wrong kind.
 * @throws {RangeError} If no such model can be built and trained.
 */
export function runConfigOf(fields: JsonFields): RunConfig {
  fields.allowOnly(RUN_KEYS);
  const data = fields.object("data");
  data.allowOnly(["train", "valid"]);
  const valid = data.objectOrNone("valid");
  const from = fields.objectOrNone("from");
  // The cast is checked in the same breath.
  const read = readFields(fields.object("training"), TRAINING_READERS) as TrainingConfig;
  const used = { model: modelConfigOf(fields), training: { ...BEFORE, ...read } };
  requireUsable(used);
  return {
    ...originFields(fields),
    ...used,
    ...(from && { from: originRecordOf(from) }),
    data: { train: dataRecordOf(data.object("train")), ...(valid && { valid: dataRecordOf(valid) }) },
    backend: fields.string("backend"),
  };
}
