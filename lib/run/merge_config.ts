import { option, say, UserError } from "../errors.ts";
import { JsonFields } from "../io/json_fields.ts";
import { readFields } from "../io/json_record.ts";
import { isGated } from "../model/architecture.ts";
import { ARCHITECTURE_DEFAULTS, type ModelConfig, type Preset, PRESETS, validateModelConfig } from "../model/config.ts";
import { MODEL_READERS } from "../model/config_fields.ts";
import { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "../train/config.ts";
import { requireSuitable } from "./require_suitable.ts";
import { originFields, TRAINING_READERS } from "./config_fields.ts";
import { RECIPE_NAMES, type RecipeName, RECIPES } from "./recipes.ts";

/** The settings given for a run: a recipe's and a preset's name, and what differs from these and from the defaults. */
export interface ConfigParts {
  /** A key of `RECIPES`. */
  readonly recipe?: RecipeName;
  /** A key of `PRESETS`. */
  readonly preset?: string;
  /** Settings of the model that differ from the preset's. */
  readonly model?: Partial<ModelConfig>;
  /** Settings of the training that differ from `TRAINING_DEFAULTS`. */
  readonly training?: Partial<TrainingConfig>;
}

/** A complete configuration: the model's shape, and how to train it. */
export interface MergedConfig {
  /** The recipe that the settings started from; absent for the course's. */
  readonly recipe?: RecipeName;
  /** The preset that the shape started from. */
  readonly preset: string;
  /**
   * Settings that were given, such as `model.dModel` and `training.lr`. The others are derived from them, or defaults.
   */
  readonly given: readonly string[];
  /** The shape, with every switch spelled out. */
  readonly model: ModelConfig;
  /** Every setting. */
  readonly training: TrainingConfig;
}

/** The default preset. */
export const DEFAULT_PRESET = "tiny";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads a configuration file. A run's config.json can be used: of its settings, those count that were given, or that
 * differ from what would be derived from the rest. So derived settings are derived again when others change.
 *
 * @param vocabSize The tokenizer's, if there is one: it replaces that of another tokenizer.
 * @throws {UserError} If it is not JSON, or holds an unknown key or a value of the wrong kind.
 */
export async function readConfigFile(path: string, vocabSize?: number): Promise<ConfigParts> {
  const source = { name: path, nextStep: say`Fix it, or give another ${option("config")}` };
  const fields = JsonFields.parse(await Deno.readTextFile(path), source);
  fields.allowOnly(["recipe", "preset", "given", "model", "training", "from", "data", "backend"]);
  // The data, the backend and the weights it began with are ignored: another run chooses its own.
  const { recipe, preset, given } = originFields(fields);
  const model = fields.has("model") ? readFields(fields.object("model"), MODEL_READERS) : {};
  const training = fields.has("training") ? readFields(fields.object("training"), TRAINING_READERS) : {};
  const isOfRun = given !== undefined || (fields.has("data") && fields.has("backend"));
  const named = recipe !== undefined && { recipe };
  if (!isOfRun) return { ...named, ...(preset !== undefined && { preset }), model, training };
  return { ...named, ...saidOf({ recipe, preset: preset ?? DEFAULT_PRESET, given, model, training }, vocabSize) };
}

/** The settings that were given for a run, as far as its config.json tells. */
function saidOf(
  { recipe, preset, given, model, training }: Required<Omit<ConfigParts, "recipe">> & Pick<ConfigParts, "recipe"> & {
    readonly given: readonly string[] | undefined;
  },
  vocabSize: number | undefined,
): ConfigParts {
  const defaults = defaultsOf(recipe);
  const derivedTraining = { ...defaults.training, ...derivedFrom(training, recipe) };
  const isOfTokenizer = vocabSize !== undefined && model.vocabSize !== undefined &&
    // Files that do not tell what was given: a larger size may have been intended.
    (given !== undefined || model.vocabSize <= vocabSize);
  const derivedModel: Partial<ModelConfig> = {
    ...defaults.model,
    ...presetShape(PRESETS[preset], model.ffn),
    ...(isOfTokenizer && { vocabSize: model.vocabSize }),
  };
  const said = <T extends object>(part: string, values: Partial<T>, derived: Partial<T>): Partial<T> => {
    const entries = Object.entries(values).filter(([key, value]) =>
      // Its length is that to which its time came.
      key !== "timeBudget" && (given?.includes(`${part}.${key}`) || derived[key as keyof T] !== value)
    );
    return Object.fromEntries(entries) as Partial<T>;
  };
  return {
    preset,
    model: said("model", model, derivedModel),
    training: said("training", training, derivedTraining),
  };
}

/** A preset's shape, with the feed-forward width that goes with its kind. */
function presetShape(preset: Preset, ffn: ModelConfig["ffn"]): Preset {
  // Two matrices instead of three, of the same size together.
  return !isGated(ffn) ? { ...preset, dFf: Math.round(preset.dFf * 3 / 2) } : preset;
}

/** The settings that a recipe has where nothing else is given. */
function defaultsOf(recipe: RecipeName = RECIPE_NAMES[0]) {
  const { model, training } = RECIPES[recipe];
  return { model: { ...ARCHITECTURE_DEFAULTS, ...model }, training: { ...TRAINING_DEFAULTS, ...training } };
}

/** The settings that are derived from the peak rate and the length of a run. */
function derivedFrom(
  said: Partial<TrainingConfig>,
  recipe: RecipeName = RECIPE_NAMES[0],
): Pick<TrainingConfig, "minLr" | "warmupSteps" | "decaySteps"> {
  const { lr, steps } = { ...TRAINING_DEFAULTS, ...RECIPES[recipe].training, ...said };
  const { minLr, warmupShare, decayShare } = RECIPES[recipe];
  return {
    // Without the rounding error of a binary tenth: 3e-4, not 0.00030000000000000003.
    minLr: Number(minLr(lr).toPrecision(15)),
    warmupSteps: Math.floor(steps * warmupShare),
    decaySteps: Math.floor(steps * decayShare),
  };
}

/**
 * Merges configurations: later ones override earlier ones, and all override the preset, the recipe and the defaults. What
 * is not given is derived. Without a gate, `dFf` is one and a half times the preset's, for as many parameters. With the
 * course's recipe, `minLr` is a tenth of `lr`, `warmupSteps` a twentieth and `decaySteps` a fifth of `steps`. The
 * architecture's switches are all spelled out.
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
  const recipe = parts.findLast(({ recipe }) => recipe !== undefined)?.recipe;
  const defaults = defaultsOf(recipe);
  const said = overlaid(parts.map(({ model }) => model));
  const model: Mutable<Partial<ModelConfig>> = {
    ...presetShape(preset, said.ffn ?? defaults.model.ffn),
    ...(vocabSize !== undefined && { vocabSize }),
    ...defaults.model,
    ...said,
  };
  if (model.vocabSize === undefined) {
    throw new UserError(
      say`Cannot build the model: the vocabulary size is not known. Pass ${option("tokenizer")} or ${
        option("vocabSize")
      }`,
    );
  }
  if (vocabSize !== undefined && vocabSize > model.vocabSize) {
    throw new UserError(
      say`Cannot build the model: got ${
        option("vocabSize", model.vocabSize)
      }, must be at least the tokenizer's ${vocabSize}. Leave ${option("vocabSize")} out to take the tokenizer's`,
    );
  }
  const saidOfTraining = overlaid(parts.map(({ training }) => training));
  const training = { ...defaults.training, ...derivedFrom(saidOfTraining, recipe), ...saidOfTraining };
  const merged = { model: validateModelConfig(model as ModelConfig), training: validateTrainingConfig(training) };
  requireSuitable(merged.model, merged.training);
  return {
    ...(recipe !== undefined && recipe !== RECIPE_NAMES[0] && { recipe }),
    preset: name,
    given: [...namesIn("model", said), ...namesIn("training", saidOfTraining)],
    ...merged,
  };
}

/** Merges settings: later ones override earlier ones; `undefined` overrides nothing. */
function overlaid<T extends object>(parts: readonly (Partial<T> | undefined)[]): Partial<T> {
  const entries = parts.flatMap((part) => Object.entries(part ?? {})).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

function namesIn(part: string, said: object): string[] {
  return Object.keys(said).map((key) => `${part}.${key}`);
}
