import type { Backend } from "../backend/backend.ts";
import { countFixedBatches, fixedBatches, randomBatch } from "../dataset/batches.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { Transformer } from "../model/transformer.ts";
import { initialWeights, writeWeights } from "../model/weights.ts";
import { saveWeights } from "../model/weights_file.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import type { MergedConfig } from "./merge_config.ts";
import { seqLenOf } from "../train/config.ts";
import { Sampler, samplesWith } from "../train/sampler.ts";
import type { RunCosts } from "./time_budget.ts";
import { Trainer, trainerOptionsOf } from "../train/trainer.ts";

/** Options for measuring a run's costs. */
export interface MeasureCostsOptions {
  readonly config: MergedConfig;
  readonly train: TokenSource;
  readonly valid?: TokenSource;
  /** The tokenizer of the training text; needed for samples. */
  readonly tokenizer?: Tokenizer;
  /** An existing directory on the disk that the run will write to. What is written there is not removed. */
  readonly directory: string;
  /** About how long to measure steps. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/** Steps between two read-backs at most. */
const LOG_CAPACITY = 128;

/** The weights stay as they began: without a warm-up, the full rate could make them diverge. The work is the same. */
const LEARNING_RATE = 0;

/** The shortest time that is believed, because a clock may not have moved. */
const CLOCK_SECONDS = 1e-6;

/** Validation batches that are timed. */
const TIMED_BATCHES = 2;

/** Measures what a run would take, with real steps on its data. The backend is as it was afterwards. */
export async function measureCosts(backend: Backend, options: MeasureCostsOptions): Promise<RunCosts> {
  const { config, train, valid, directory } = options;
  const { model: shape, training } = config;
  const model = new Transformer(shape);
  using owned = new DisposableStack();
  owned.defer(() => model.release(backend));
  using trainer = await Trainer.create(backend, model, trainerOptionsOf(training, LOG_CAPACITY));
  await writeWeights(backend, model, initialWeights(shape, training.seed, training));
  const step = await measureStep(trainer, options);
  const data = { name: train.name, tokens: train.length, sha256: "" };
  const checkpoint = await secondsOf(() =>
    writeCheckpoint(
      directory,
      backend,
      { step: 0, seconds: 0, weights: model.parameters.parts, optimizer: trainer.optimizerState },
      { step: 0, seconds: 0, config: { ...config, data: { train: data }, backend: backend.name } },
    )
  );
  const validation = valid === undefined ? 0 : await measureValidation(backend, model, valid, options);
  using sampler = samplesWith(training, options.tokenizer)
    ? await Sampler.create(backend, model, options.tokenizer, training)
    : undefined;
  const sample = sampler ? await secondsOf(() => sampler.sample(0)) : 0;
  return { step, validation, checkpoint, sample };
}

/** Seconds per step. The first, which compiles and fills caches, is not counted. */
async function measureStep(
  trainer: Trainer,
  { config, train, seconds, signal }: MeasureCostsOptions,
): Promise<number> {
  const { batchSize, gradAccumulation, seed } = config.training;
  const { vocabSize } = config.model;
  const seqLen = seqLenOf(config.model, config.training);
  let taken = 0;
  const takeSteps = async (count: number) => {
    for (let i = 0; i < count; i++) {
      signal?.throwIfAborted();
      const shape = { batchSize: batchSize * gradAccumulation, seqLen, vocabSize };
      await trainer.step(await randomBatch(train, shape, seed, taken++), LEARNING_RATE);
    }
    // Waits for a GPU, but as rarely as a run does.
    await trainer.takeLog();
  };
  await takeSteps(1);
  for (let count = 1;; count *= 2) {
    const elapsed = await secondsOf(() => takeSteps(count));
    if (elapsed >= seconds / 2 || count === LOG_CAPACITY) return Math.max(elapsed, CLOCK_SECONDS) / count;
  }
}

/** Seconds per validation, including the weights that it may write. */
async function measureValidation(
  backend: Backend,
  model: LanguageModel,
  valid: TokenSource,
  { config, directory }: MeasureCostsOptions,
): Promise<number> {
  const { batchSize, validBatches, dtype, averageWeights } = config.training;
  const { vocabSize } = model.config;
  const seqLen = seqLenOf(model.config, config.training);
  const shape = { batchSize, seqLen, vocabSize };
  using evaluator = await Evaluator.create(backend, model, batchSize, dtype, { seqLen });
  await evaluator.meanLoss(fixedBatches(valid, shape, 1));
  const timed = countFixedBatches(valid, shape, TIMED_BATCHES);
  const elapsed = await secondsOf(() => evaluator.meanLoss(fixedBatches(valid, shape, timed)));
  const writing = await secondsOf(() => saveWeights(`${directory}/best.safetensors`, backend, model));
  // With an average, both it and the weights are validated.
  const models = averageWeights === undefined ? 1 : 2;
  return models * elapsed / timed * countFixedBatches(valid, shape, validBatches) + writing;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
