// One training of the bench, and what it learned.
import { countParameters } from "../../../lib/accounting/parameters.ts";
import { isTransformerConfig } from "../../../lib/model/own_config.ts";
import { readRunConfig } from "../../../lib/run/run_directory.ts";
import type { PreparedCorpus } from "./corpus.ts";
import type { LearningResult } from "./results.ts";
import { runTaskToEnd } from "./run_task.ts";
import type { Variant } from "./variants.ts";

/** How long trainings are. */
export type Length = { readonly minutes: number } | { readonly steps: number };

/** A length in words, which results are known by. */
export function describeLength(length: Length): string {
  return "minutes" in length ? `${length.minutes} minutes` : `${length.steps} steps`;
}

/** What a training is told. */
export interface TrainVariantOptions {
  readonly variant: Variant;
  readonly seed: number;
  readonly length: Length;
  readonly corpus: PreparedCorpus;
  /** Of the scoring window, in tokens. */
  readonly stride: number;
  /** Where the run goes; the last one there is replaced. */
  readonly directory: string;
}

/** Trains a variant with a seed, and scores its last weights on the text held out. */
export async function trainVariant(options: TrainVariantOptions): Promise<LearningResult> {
  const { variant, seed, length, corpus, stride, directory } = options;
  const run = `${directory}/run`;
  const configPath = `${directory}/config.json`;
  if (variant.config !== undefined) await Deno.writeTextFile(configPath, JSON.stringify(variant.config));
  const { seconds } = await runTaskToEnd("train-lm", [
    ...["--train", corpus.train, "--valid", corpus.valid, "--tokenizer", corpus.tokenizer],
    ...["--out", run, "--force", "--quiet", "--seed", String(seed)],
    ...("minutes" in length ? ["--minutes", String(length.minutes)] : ["--steps", String(length.steps)]),
    ...(variant.config === undefined ? [] : ["--config", configPath]),
    ...variant.flags,
  ]);
  const { stdout } = await runTaskToEnd("evaluate", [
    ...["--run", run, "--input", corpus.heldOutText, "--stride", String(stride), "--json"],
  ]);
  const { bitsPerByte } = JSON.parse(stdout) as { bitsPerByte: number };
  const { model, training } = await readRunConfig(run);
  const { batchSize, gradAccumulation, steps } = training;
  return {
    ...variant,
    length: describeLength(length),
    seed,
    bitsPerByte,
    seconds,
    steps,
    tokens: steps * batchSize * gradAccumulation * model.contextLength,
    parameters: isTransformerConfig(model) ? countParameters(model) : NaN,
  };
}
