// Reads what is needed to use a run's model from the run's directory.
import { UserError } from "../errors.ts";
import { Transformer, type TransformerOptions } from "../model/transformer.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import {
  findWeights,
  isImported,
  readAnyRunConfig,
  readModelConfig,
  readStopIds,
  type WhichWeights,
} from "./run_directory.ts";
import { findRunTokenizer, loadRunTokenizer } from "./run_tokenizer.ts";

/** What is needed to use a run's model. */
export interface RunModel {
  /** The model; it takes no memory yet. */
  readonly model: Transformer;
  /** The tokenizer of the tokens that it was trained on. */
  readonly tokenizer: Tokenizer;
  /** The path of the weights. */
  readonly weights: string;
  /** The ids at which a text ends, of an imported model; none otherwise. */
  readonly stopIds: readonly number[];
}

/**
 * Reads a run's configuration and tokenizer, and finds its weights.
 *
 * @param options What the model's weights are to be kept in.
 * @throws {NoWeightsError} If the run does not have the weights that were asked for.
 * @throws {UserError} If it has no tokenizer, or one that does not fit its model or its data.
 */
export async function loadRun(
  directory: string,
  which: WhichWeights = "last",
  options: TransformerOptions = {},
): Promise<RunModel> {
  const model = new Transformer(await readModelConfig(directory), options);
  const stopIds = await readStopIds(directory);
  const tokenizer = await loadRunTokenizer(directory);
  const { vocabSize } = model.config;
  if (tokenizer.vocabSize > vocabSize) {
    throw new UserError(
      `Cannot use run ${directory}: got a tokenizer of ${tokenizer.vocabSize} tokens, must be at most the model's ` +
        `${vocabSize}. Train the model with this tokenizer`,
    );
  }
  return { model, tokenizer, weights: await findWeights(directory, which), stopIds };
}

/**
 * The same of an imported run, which may be without a tokenizer.
 * @throws {UserError} As {@linkcode loadRun} does, but not for an imported run without a tokenizer.
 */
export async function loadAnyRun(
  directory: string,
  which?: WhichWeights,
  options: TransformerOptions = {},
): Promise<Omit<RunModel, "tokenizer"> & { readonly tokenizer: Tokenizer | undefined }> {
  const config = await readAnyRunConfig(directory);
  if (!isImported(config) || await findRunTokenizer(directory)) return await loadRun(directory, which, options);
  const { model, imported } = config;
  const weights = await findWeights(directory, which);
  return { model: new Transformer(model, options), tokenizer: undefined, weights, stopIds: imported.stopIds };
}
