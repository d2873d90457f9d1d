import { UserError } from "../errors.ts";
import {
  ARCHITECTURE_CHOICES,
  ARCHITECTURE_DEFAULTS,
  type ModelConfig,
  PRESETS,
  validateModelConfig,
} from "../model/config.ts";
import { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "./config.ts";

/** What a person says of a run: a preset's name, and what differs from it and from the defaults. */
export interface ConfigParts {
  readonly preset?: string;
  readonly model?: Partial<ModelConfig>;
  readonly training?: Partial<TrainingConfig>;
}

/** A model's shape with the tokens that `vocabSize` stands for, and how to train it. */
export interface MergedConfig {
  readonly model: ModelConfig;
  readonly training: TrainingConfig;
}

const DEFAULT_PRESET = "tiny";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Fields that a configuration file may have: a run's own config.json is one. */
const FILE_KEYS = ["preset", "model", "training", "data", "backend"];

const MODEL_KEYS = [
  "vocabSize",
  ...Object.keys(PRESETS[DEFAULT_PRESET]),
  ...Object.keys(ARCHITECTURE_CHOICES),
  "tieEmbeddings",
];

/**
 * Reads a configuration file.
 * @throws {UserError} If it is not JSON, or holds a key that means nothing.
 */
export async function readConfigFile(path: string): Promise<ConfigParts> {
  const parts = parseObject(await Deno.readTextFile(path), path);
  const known: readonly (readonly [unknown, readonly string[], string])[] = [
    [parts, FILE_KEYS, ""],
    [parts.model ?? {}, MODEL_KEYS, "model."],
    [parts.training ?? {}, Object.keys(TRAINING_DEFAULTS), "training."],
  ];
  for (const [object, keys, prefix] of known) {
    if (typeof object !== "object" || Array.isArray(object)) {
      const got = Array.isArray(object) ? "a list" : `a ${typeof object}`;
      throw new UserError(`Cannot use ${path}: got "${prefix.slice(0, -1)}" that is ${got}, must be an object`);
    }
    const unknown = Object.keys(object as object).find((key) => !keys.includes(key));
    if (unknown !== undefined) {
      throw new UserError(
        `Cannot use ${path}: got "${prefix}${unknown}", must be one of ${keys.map((key) => prefix + key).join(", ")}`,
      );
    }
  }
  return parts;
}

/**
 * Puts configurations together, later ones over earlier ones, over the preset and the defaults. What is not said follows
 * from what is: without a gate, `dFf` is one and a half times the preset's, for as many parameters; `minLr` is a tenth of
 * `lr`, `warmupSteps` a twentieth and `decaySteps` a fifth of `steps`. The architecture's switches are all spelled out.
 *
 * @param vocabSize The tokenizer's, if there is one.
 * @throws {UserError} If no vocabulary size is known or the preset is not.
 * @throws {RangeError} If the model cannot be built or trained.
 */
export function mergeConfigs(parts: readonly ConfigParts[], vocabSize?: number): MergedConfig {
  const name = parts.findLast(({ preset }) => preset !== undefined)?.preset ?? DEFAULT_PRESET;
  const preset = PRESETS[name];
  if (preset === undefined) {
    throw new UserError(
      `Cannot build the model: got preset ${name}, must be one of ${Object.keys(PRESETS).join(", ")}`,
    );
  }
  const ofTokenizer = vocabSize === undefined ? {} : { vocabSize };
  const model: Mutable<Partial<ModelConfig>> = Object.assign(
    {},
    preset,
    ofTokenizer,
    ARCHITECTURE_DEFAULTS,
    ...parts.map(({ model }) => model),
  );
  if (model.ffn === "silu" && parts.every((part) => part.model?.dFf === undefined)) {
    // Two matrices instead of three, of the same size together.
    model.dFf = Math.round(preset.dFf * 3 / 2);
  }
  if (model.vocabSize === undefined) {
    throw new UserError(
      "Cannot build the model: got no vocabulary size, must be known. Pass --tokenizer DIR or --vocab-size N",
    );
  }
  if (vocabSize !== undefined && vocabSize > model.vocabSize) {
    throw new UserError(
      `Cannot build the model: got --vocab-size ${model.vocabSize}, must be at least the tokenizer's ${vocabSize}. ` +
        `Leave --vocab-size out to take the tokenizer's`,
    );
  }
  const said: Partial<TrainingConfig> = Object.assign({}, ...parts.map(({ training }) => training));
  const { lr = TRAINING_DEFAULTS.lr, steps = TRAINING_DEFAULTS.steps } = said;
  const training: TrainingConfig = {
    ...TRAINING_DEFAULTS,
    // Without what binary numbers add to a tenth: 3e-4, not 0.00030000000000000003.
    minLr: Number((lr / 10).toPrecision(15)),
    warmupSteps: Math.floor(steps / 20),
    decaySteps: Math.floor(steps / 5),
    ...said,
  };
  return { model: validateModelConfig(model as ModelConfig), training: validateTrainingConfig(training) };
}

function parseObject(text: string, path: string): ConfigParts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(`Cannot use ${path}: got text that is not JSON (${error.message}), must be a JSON object`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UserError(`Cannot use ${path}: got JSON that is no object, must be like a run's config.json`);
  }
  return value;
}
