import { identifyTokenizer, requireTokenizerOf } from "../dataset/tokenizer_id.ts";
import { option, say, UserError, type Wording } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { isFile } from "../io/is_file.ts";
import { JsonFields } from "../io/json_fields.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../io/atomic.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import type { ModelConfig } from "../model/config.ts";
import type { LanguageModelConfig } from "../model/language_model.ts";
import { saveTokenizer, type Tokenizer } from "../tokenizer/mod.ts";
import type { TrainingConfig } from "../train/config.ts";
import { modelConfigOf, requireUsable, runConfigOf } from "./config_fields.ts";
import { checkpointModel, latestCheckpoint } from "./checkpoint.ts";
import type { DataRecord } from "./data_record.ts";
import { type ImportedConfig, importRecordOf } from "./import_record.ts";
import type { RunOrigin } from "./origin_record.ts";
import type { RecipeName } from "./recipes.ts";
import { RUN_ENTRIES, RUN_FILES } from "./run_entries.ts";
import { requireTransformer } from "./run_model.ts";

export { RUN_ENTRIES, RUN_FILES };

/** The contents of a run's config.json, for a `Transformer` or a model with any other configuration. */
export interface RunConfig<M extends LanguageModelConfig = LanguageModelConfig> {
  /** The recipe that the settings started from; absent for the course's, which earlier versions had alone. */
  readonly recipe?: RecipeName;
  /** The preset that the model's shape started from; not in files of earlier versions. */
  readonly preset?: string;
  /** Settings that were given (`model.dModel`, `training.lr`). The others were derived from them, or are defaults. */
  readonly given?: readonly string[];
  /** The model's shape. */
  readonly model: M;
  /** How to train it. */
  readonly training: TrainingConfig;
  /** The other run that the first weights came from, if they did; {@linkcode originOf} makes it. */
  readonly from?: RunOrigin;
  /** The tokens to train on. */
  readonly data: { readonly train: DataRecord; readonly valid?: DataRecord };
  /** What it runs on: a resumed run gives the same bits on the same backend. */
  readonly backend: string;
}

/**
 * Writes a run's config.json.
 * @param directory Must exist.
 * @throws {RangeError} If no such model can be built and trained, so that what is written can always be read again.
 */
export async function writeRunConfig(directory: string, config: RunConfig): Promise<void> {
  requireUsable(config);
  await writeFileAtomically(`${directory}/${RUN_FILES.config}`, `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Makes a run's directory, with its config.json and its tokenizer's files.
 * @param options.replace Whether to replace an existing run. Default: false.
 * @throws {UserError} If something is there and `replace` is false, or it is more than just a run, or another process
 *   is
 *   training it; or if the tokenizer is not the one of the data.
 */
export async function createRunDirectory(
  path: string,
  config: RunConfig,
  tokenizer?: Tokenizer,
  options: { readonly replace?: boolean } = {},
): Promise<void> {
  if (tokenizer) requireTokenizerOfData(tokenizer, config);
  await writeDirectoryAtomically(path, async (directory) => {
    await writeRunConfig(directory, config);
    if (tokenizer) await saveTokenizer(tokenizer, directory);
  }, { own: RUN_ENTRIES, replace: options.replace });
}

function requireTokenizerOfData(tokenizer: Tokenizer, { data }: RunConfig): void {
  for (const { name, tokenizer: own } of [data.train, data.valid].filter((record) => record !== undefined)) {
    if (own) requireTokenizerOf({ name, provenance: { tokenizer: own } }, identifyTokenizer(tokenizer));
  }
}

/**
 * Reads a run's config.json.
 * @throws {UserError} If the file is missing, is not JSON, or does not hold a model that can be built and trained; or if
 *   the run was imported, and so has no settings of a training.
 */
export async function readRunConfig(directory: string): Promise<RunConfig> {
  const config = await readAnyRunConfig(directory);
  if (!isImported(config)) return config;
  throw new UserError(
    say`Cannot read the training of ${directory}: got a model that was imported from ${
      excerpt(config.imported.from)
    }, must be a run that was trained here. Start a new run from it: ${option("from", directory)}`,
  );
}

/**
 * Reads a run's config.json, also that of an imported one.
 * @throws {UserError} As {@linkcode readRunConfig} does, but not for an imported run.
 */
export async function readAnyRunConfig(directory: string): Promise<RunConfig | ImportedConfig> {
  return await readConfig(directory, (fields) => {
    if (!fields.has("imported")) return runConfigOf(fields);
    fields.allowOnly(["model", "imported"]);
    const model = requireTransformer(directory, modelConfigOf(fields));
    return { model, imported: importRecordOf(fields.object("imported")) };
  });
}

/** Whether a run was imported, and not trained here. */
export function isImported(config: RunConfig | ImportedConfig): config is ImportedConfig {
  return "imported" in config;
}

/**
 * Reads the model's shape from a run's config.json.
 * @throws {UserError} If the file is missing, is not JSON, or does not hold a Transformer that can be built.
 */
export async function readModelConfig(directory: string): Promise<ModelConfig> {
  return requireTransformer(directory, await readConfig(directory, modelConfigOf));
}

/**
 * The ids at which a text ends, as an imported run's config.json says; none for other runs.
 * @throws {UserError} If the file is missing, is not JSON, or does not hold such a list.
 */
export async function readStopIds(directory: string): Promise<readonly number[]> {
  return await readConfig(directory, (fields) => {
    return fields.has("imported") ? importRecordOf(fields.object("imported")).stopIds : [];
  });
}

/**
 * Which weights of a run. `"last"`: those at the end, or, while it runs or after it was killed, those of its newest complete
 * checkpoint. `"best"`: those with the lowest validation loss. Of a run that averages its weights, each is the better of the
 * weights and their average by validation; `"live"` and `"average"` are the one and the other in its newest checkpoint.
 */
export type WhichWeights = "last" | "best" | "live" | "average";

/** All that `WhichWeights` can be. */
export const WHICH_WEIGHTS: readonly WhichWeights[] = ["last", "best", "live", "average"];

/**
 * The path of a run's weights.
 * @throws {NoWeightsError} If there are none.
 */
export async function findWeights(directory: string, which: WhichWeights = "last"): Promise<string> {
  if (which === "live" || which === "average") return await inNewestCheckpoint(directory, which);
  const path = `${directory}/${RUN_FILES[which === "best" ? "best" : "weights"]}`;
  if (await isFile(path)) return path;
  const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  if (which === "last" && checkpoint) return checkpointModel(checkpoint);
  // A run that diverged before its first checkpoint left only these.
  const hasBest = which === "last" && await isFile(`${directory}/${RUN_FILES.best}`);
  const next = which === "best"
    ? say`Train with ${option("valid")}, or use the last weights`
    : hasBest
    ? "Use the best weights"
    : "Resume its training or, if it diverged, start another run";
  const problem = say`Cannot load weights of ${directory}: there is no ${path}. ${next}`;
  throw new NoWeightsError(problem, hasBest ? "best" : undefined);
}

/** The weights or their average in the newest checkpoint. */
async function inNewestCheckpoint(directory: string, which: "live" | "average"): Promise<string> {
  const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  if (checkpoint && (which === "live" || checkpoint.state.better)) {
    return checkpointModel({ ...checkpoint, state: { ...checkpoint.state, better: which } });
  }
  const problem = checkpoint === undefined
    ? "there is no checkpoint. Resume its training"
    : say`its training keeps no average. Train with ${option("averageWeights")}, or use the last weights`;
  throw new NoWeightsError(say`Cannot load ${which} weights of ${directory}: ${problem}`, undefined);
}

/** Thrown if a run does not have the weights that were asked for. */
export class NoWeightsError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "NoWeightsError";

  /**
   * For a run without weights.
   *
   * @param message What was looked for, and what to do next.
   * @param instead Weights that the run does have, which the message names.
   */
  constructor(message: string | Wording, readonly instead: "best" | undefined) {
    super(message);
  }
}

async function readConfig<T>(directory: string, use: (fields: JsonFields) => T): Promise<T> {
  const path = `${directory}/${RUN_FILES.config}`;
  await restoreReplaced(directory, RUN_ENTRIES);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    throw new UserError(
      `Cannot open run ${directory}: got no ${RUN_FILES.config}, must be a directory that train-lm wrote. Check the path`,
    );
  }
  const nextStep = "Restore the file that train-lm wrote, or train again";
  try {
    return use(JsonFields.parse(text, { name: path, nextStep }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `Cannot open run ${directory}: got an unusable ${RUN_FILES.config} (${error.message}), must be one that train-lm ` +
        `wrote. ${nextStep}`,
    );
  }
}
