// A run's configuration in JSON that somebody else may have written: its config.json, and that of a checkpoint.
import type { JsonFields } from "../io/json_fields.ts";
import { type FieldReader, type FieldReaders, integer, number, oneOf, readFields, string } from "../io/json_record.ts";
import { ARCHITECTURE_DEFAULTS, type ModelConfig, PRESETS } from "../model/config.ts";
import { MODEL_READERS } from "../model/config_fields.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "./config.ts";
import { dataRecordOf } from "./data_record.ts";
import type { RunConfig } from "./run_directory.ts";
import { SCHEDULES } from "./schedule.ts";

/** An infinite norm switched clipping off before 0 did, and JSON wrote it as null. */
const clip: FieldReader<number> = (fields, name) => fields.value(name) === null ? 0 : fields.number(name);

/** How each field of a training configuration is read. */
export const TRAINING_READERS: FieldReaders<TrainingConfig> = {
  batchSize: integer,
  gradAccumulation: integer,
  steps: integer,
  optimizer: oneOf(["adamw", "sgd"]),
  schedule: oneOf(SCHEDULES),
  lr: number,
  minLr: number,
  warmupSteps: integer,
  decaySteps: integer,
  beta1: number,
  beta2: number,
  eps: number,
  weightDecay: number,
  decay: oneOf(["all", "matrices"]),
  dtype: oneOf(["f32", "f16"]),
  clip,
  seed: integer,
  validEvery: integer,
  validBatches: integer,
  saveEvery: integer,
  keep: integer,
  sampleEvery: integer,
  samplePrompt: string,
  sampleTokens: integer,
};

const PRESET_NAMES = Object.keys(PRESETS);

/** The names that `RunConfig.given` may hold: `model.dModel`, `training.lr`. */
const SETTINGS: readonly unknown[] = [
  ...Object.keys(MODEL_READERS).map((key) => `model.${key}`),
  ...Object.keys(TRAINING_READERS).map((key) => `training.${key}`),
];

const RUN_KEYS = ["preset", "given", "model", "training", "data", "backend"];

/** What earlier versions, which had no such settings, did not write. */
const { dtype, sampleEvery, samplePrompt, sampleTokens } = TRAINING_DEFAULTS;
const BEFORE = { dtype, sampleEvery, samplePrompt, sampleTokens };

/** What a configuration says of itself: the preset's name, and the settings that were given. */
export function originFields(fields: JsonFields): Pick<RunConfig, "preset" | "given"> {
  const preset = fields.has("preset") ? fields.oneOf("preset", PRESET_NAMES) : undefined;
  const given = fields.has("given") ? fields.list("given") : undefined;
  if (given && !given.every((name) => SETTINGS.includes(name))) fields.refuse("given", "a list of settings' names");
  return { ...(preset !== undefined && { preset }), ...(given && { given: given as readonly string[] }) };
}

/**
 * The shape of a run's model; `validateModelConfig` must still look at it.
 * @throws {UserError} If a field is unknown, or of another kind.
 */
export function modelConfigOf(fields: JsonFields): ModelConfig {
  // What is missing is named by validateModelConfig.
  return { ...ARCHITECTURE_DEFAULTS, ...readFields(fields.object("model"), MODEL_READERS) } as ModelConfig;
}

/**
 * A run's configuration; `validateModelConfig` and `validateTrainingConfig` must still look at its parts.
 * @throws {UserError} If a field is missing, unknown, or of another kind.
 */
export function runConfigOf(fields: JsonFields): RunConfig {
  fields.allowOnly(RUN_KEYS);
  const data = fields.object("data");
  data.allowOnly(["train", "valid"]);
  const valid = data.objectOrNone("valid");
  return {
    ...originFields(fields),
    model: modelConfigOf(fields),
    training: { ...BEFORE, ...readFields(fields.object("training"), TRAINING_READERS) } as TrainingConfig,
    data: { train: dataRecordOf(data.object("train")), ...(valid && { valid: dataRecordOf(valid) }) },
    backend: fields.oneOf("backend", ["webgpu", "wasm"]),
  };
}
