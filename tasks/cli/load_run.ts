// A run's model, tokenizer and weights, for tasks that use a trained model.
import { Transformer } from "../../lib/model/transformer.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { findWeights, NoWeightsError, readModelConfig, RUN_ENTRIES } from "../../lib/train/run_directory.ts";
import { loadRunTokenizer } from "../../lib/train/run_tokenizer.ts";
import { say, UserError } from "./errors.ts";
import { requireDirectory } from "./files.ts";

/** What is needed to use a run's model. */
export interface LoadedRun {
  readonly model: Transformer;
  readonly tokenizer: Tokenizer;
  /** The path of the weights. */
  readonly weights: string;
}

/** @throws {UserError} If the run has no weights, or no tokenizer, or one that does not fit its model or is not that of its data. */
export async function loadRun(run: string, which: "last" | "best"): Promise<LoadedRun> {
  await requireDirectory(run, RUN_ENTRIES);
  const model = new Transformer(await readModelConfig(run));
  const tokenizer = await loadRunTokenizer(run);
  const { vocabSize } = model.config;
  if (tokenizer.vocabSize > vocabSize) {
    throw new UserError(
      `Cannot use run ${run}: got a tokenizer of ${tokenizer.vocabSize} tokens, must be at most the model's ` +
        `${vocabSize}. Train the model with this tokenizer`,
    );
  }
  return { model, tokenizer, weights: await find(run, which) };
}

async function find(run: string, which: "last" | "best"): Promise<string> {
  try {
    return await findWeights(run, which);
  } catch (error) {
    if (!(error instanceof NoWeightsError) || error.instead === undefined) throw error;
    throw new UserError(say`${error.wording}: --weights ${error.instead}`);
  }
}
