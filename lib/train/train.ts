import type { Backend } from "../backend/backend.ts";
import { requirePrecision } from "../backend/precision.ts";
import { type Batch, fixedBatches, randomBatch, requireWindow } from "../dataset/batches.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { requireOneTokenizer } from "../dataset/tokenizer_id.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Precision } from "../graph/graph.ts";
import type { Program } from "../graph/program.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { NoTokenError } from "../generate/sampling.ts";
import { type WeightSource, writeWeights } from "../model/weights.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { seqLenOf, type TrainingConfig, validateTrainingConfig } from "./config.ts";
import { EarlyStopping } from "./early_stopping.ts";
import { DivergenceError, hasDiverged, originOfDivergence } from "./divergence.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import { type ForwardOrigin, originInForward } from "./forward_probe.ts";
import { claimModel } from "../model/model_in_training.ts";
import { ReadBackPace } from "./read_back_pace.ts";
import { Sampler, samplesWith } from "./sampler.ts";
import { learningRate, type ScheduleOptions } from "./schedule.ts";
import type { Snapshot, StartingPoint } from "./snapshot.ts";
import type { Length, Progress } from "./progress.ts";
import { betterLoss, type StepMetrics } from "./step_metrics.ts";
import { Trainer, trainerOptionsOf } from "./trainer.ts";
import { WeightAverage } from "./weight_average.ts";

export type { Length, Progress, Snapshot, StartingPoint, StepMetrics };

/** What a training run needs. */
export interface TrainOptions {
  /** What it runs on; it is not disposed of. */
  readonly backend: Backend;
  /** What is trained; its parameters stay on the backend when training ends. */
  readonly model: LanguageModel;
  /** How to train: see `TRAINING_DEFAULTS`. */
  readonly config: TrainingConfig;
  /** Weights to start from. */
  readonly weights: WeightSource;
  /** Where an earlier run stood; by default this one starts at step 0. */
  readonly start?: StartingPoint;
  /** The tokens to train on. */
  readonly train: TokenSource;
  /** The tokens to validate with; without them there is no validation. */
  readonly valid?: TokenSource;
  /** The tokenizer of the text that is trained on; needed for samples. */
  readonly tokenizer?: Tokenizer;
  /** Called once, before the first step, with the programs that each step runs, in order: what they do can be counted. */
  readonly onPrograms?: (programs: readonly Program[]) => void;
  /**
   * Called once, before the first step, with where the average of the weights is until the end, where one is kept. It is that
   * of the weights whenever they are on the backend.
   */
  readonly onAverage?: (weights: ReadonlyMap<string, Tensor>) => void;
  /**
   * Called at each read-back before the last step, after the metrics were yielded and before a snapshot: what comes back is
   * the training's length from here on. By default it is the configuration's.
   */
  readonly onProgress?: (progress: Progress) => Promise<Length>;
  /** Called every `config.saveEvery` steps and at the end, after the metrics up to there were yielded. */
  readonly onSnapshot?: (snapshot: Snapshot) => Promise<void>;
  /** Called after the last step and its snapshot, also where there was none to take: the average is still there then. */
  readonly onEnd?: () => Promise<void>;
  /** Stops the run after the steps under way; the generator then ends as if all steps were taken, without validation. */
  readonly signal?: AbortSignal;
}

/**
 * How long a device is left to itself between two read-backs, by what one costs it: 11 ms of a GPU's are half a percent of
 * two seconds, and where they cost nothing each step is told as it ends.
 */
const READ_BACK_SHARE = 0.0055;

/** After so many skipped steps the loss's scale is as small as it gets: gradients are too large whatever it is. */
const MAX_SKIPPED = 32;

/** At most so many steps lie between two read-backs. */
export const LOG_CAPACITY = 256;

/**
 * Trains a model, yielding each step's metrics. The weights are on the backend, in `model.parameters`, at every yield
 * that has a `validLoss` or a `sample`, and when the generator ends. They stay there then, and all else is freed: who made
 * the model frees them, by `model.release(backend)`.
 *
 * Samples change nothing of the training: its bits are the same with and without them.
 *
 * Some parameters can be left as they are: `frozen` in the configuration. For a loop of one's own, over a model or any other
 * tensors, there is {@linkcode TensorOptimizer}.
 *
 * A model is trained by one of these at a time on a backend, from the first step that is asked for until it ends, fails or
 * is given up (`return`, or leaving the loop that reads it). An `Evaluator` or a `TextGenerator` may share the model's weights
 * meanwhile, between two steps.
 *
 * @throws {RangeError} If a number of the configuration cannot work; if it freezes parameters that the model does not have,
 *   or all.
 * @throws {UserError} If a token source is too short or holds ids beyond the model's vocabulary; if token sources and
 *   tokenizer do not belong together; if samples are asked for without a tokenizer.
 * @throws {DivergenceError} If a loss, a validation loss, a gradient or what a sample is drawn from is NaN or infinite;
 *   metrics of the steps before are yielded first.
 * @throws {Error} If another training of this model on this backend is under way.
 *
 * @example Fine-tuning: the embeddings and the first layer stay as they are
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { tokensInMemory } from "@bytelm/bytelm";
 * import { initialWeights, PRESETS, Transformer } from "@bytelm/bytelm/model";
 * import { train, TRAINING_DEFAULTS } from "@bytelm/bytelm/train";
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const model = new Transformer({ ...PRESETS.tiny, vocabSize: 11, contextLength: 8 });
 * const weights = initialWeights(model, 0); // or those of a file: weightsFrom
 * const tokens = tokensInMemory(Array.from({ length: 100 }, (_, i) => i % 11));
 *
 * const frozen = ["token_embeddings.weight", "layers.0"];
 * const config = { ...TRAINING_DEFAULTS, steps: 3, batchSize: 2, frozen };
 * for await (const { step, loss } of train({ backend, model, config, weights, train: tokens })) console.log(step, loss);
 *
 * // A linear probe: nothing but the head is trained.
 * const probed = model.parameters.specs.map(({ name }) => name).filter((name) => name !== "lm_head.weight");
 * const probe = { ...config, frozen: probed };
 * for await (const { loss } of train({ backend, model, config: probe, weights, train: tokens })) console.log(loss);
 * ```
 */
export async function* train(options: TrainOptions): AsyncGenerator<StepMetrics, void, void> {
  const { backend, model, config, start } = options;
  validateTrainingConfig(config);
  requirePrecision(backend, config.dtype ?? "f32");
  const seqLen = seqLenOf(model.config, config);
  for (const source of [options.train, options.valid]) if (source) requireWindow(source, seqLen);
  requireOneTokenizer([options.train, options.valid], options.tokenizer);
  using _claim = claimModel("train", backend, model);
  using trainer = await Trainer.create(backend, model, {
    ...trainerOptionsOf(config, LOG_CAPACITY),
    weighted: options.train.examples !== undefined,
  });
  const { averageWeights: share } = config;
  using average = share === undefined
    ? undefined
    : await WeightAverage.create(backend, model, { share, gradients: trainer.gradients });
  options.onPrograms?.([...trainer.stepPrograms, ...(average ? [average.program] : [])]);
  await writeWeights(backend, model, options.weights);
  if (start) await trainer.restore(start.updates ?? start.step, start.optimizer);
  if (average && start?.average) await average.restore(start.step, start.average);
  if (average) options.onAverage?.(average.weights);
  yield* trainSteps(trainer, average, options);
  await options.onEnd?.();
}

async function* trainSteps(
  trainer: Trainer,
  average: WeightAverage | undefined,
  options: TrainOptions,
): AsyncGenerator<StepMetrics, void, void> {
  const { backend, model, config, signal } = options;
  const { batchSize, gradAccumulation, seed, clip } = config;
  let schedule: ScheduleOptions = config;
  const { vocabSize } = model.config;
  const seqLen = seqLenOf(model.config, config);
  const stepShape = { batchSize: batchSize * gradAccumulation, seqLen, vocabSize };
  const validShape = { batchSize, seqLen, vocabSize };
  const { sampleEvery = 0 } = config;
  using sampler = samplesWith(config, options.tokenizer)
    ? await Sampler.create(backend, model, options.tokenizer, config)
    : undefined;
  const weighted = options.valid?.examples !== undefined;
  using evaluator = options.valid &&
    await Evaluator.create(backend, model, batchSize, config.dtype, { seqLen, weighted });

  const began = performance.now() - 1000 * (options.start?.seconds ?? 0);
  let first = options.start?.step ?? 0;
  let started = performance.now();
  const pace = new ReadBackPace(backend.capabilities.readBackMs / READ_BACK_SHARE, LOG_CAPACITY);
  const { best, validationsSinceBest } = options.start ?? {};
  const stopping = new EarlyStopping(config.patience, { bestLoss: best?.validLoss, validationsSinceBest });
  let isLast = first >= schedule.steps || stopping.isOver;
  let skippedInARow = 0;
  for (let step = first; !isLast; step++) {
    await trainer.step(await randomBatch(options.train, stepShape, seed, step), learningRate(step, schedule));
    await average?.add();
    const isDone = step === schedule.steps - 1;
    isLast = isDone || signal?.aborted === true;
    const isValidated = evaluator !== undefined && (isDone || (step + 1) % config.validEvery === 0);
    const isSampled = sampler !== undefined && (isDone || (step + 1) % sampleEvery === 0);
    const isSaved = (step + 1) % config.saveEvery === 0;
    const isDue = step + 1 - first >= pace.steps;
    if (!isDue && !isValidated && !isSampled && !isSaved && !isLast) continue;

    const results = await trainer.takeLog();
    const elapsed = (performance.now() - started) / 1000;
    pace.took(results.length, 1000 * elapsed);
    const tokensPerSecond = throughput(results.length * stepShape.batchSize * seqLen, elapsed);
    const diverged = results.findIndex((result) => {
      skippedInARow = result.skipped ? skippedInARow + 1 : 0;
      return hasDiverged(result) || skippedInARow > MAX_SKIPPED;
    });
    const validate = () => evaluator!.meanLoss(fixedBatches(options.valid!, validShape, config.validBatches));
    const validLoss = isValidated && diverged < 0 ? await validate() : undefined;
    const isFine = diverged < 0 && (validLoss === undefined || Number.isFinite(validLoss));
    const averageValidLoss = isFine && validLoss !== undefined ? await average?.whileShown(validate) : undefined;
    if (isFine && validLoss !== undefined) stopping.add(betterLoss({ validLoss, averageValidLoss }));
    isLast ||= stopping.isOver;
    // Weights that are no numbers make no sample: that is told when the steps up to here are.
    const [sampled] = isSampled && isFine ? await Promise.allSettled([sampler.sample(step + 1)]) : [];
    const sample = sampled?.status === "fulfilled" ? sampled.value : undefined;
    const seconds = Math.round(performance.now() - began) / 1000;
    for (const [i, result] of results.entries()) {
      const at = first + i;
      const lr = learningRate(at, schedule);
      if (i === diverged) {
        const batch = await randomBatch(options.train, stepShape, seed, at);
        const diverging = {
          backend,
          model,
          trainer,
          result,
          batch,
          precision: config.dtype,
          seqLen,
          isLast: at === step,
        };
        const origin = await originOfDivergence(diverging);
        throw DivergenceError.atStep(at, result, origin, { lr, clip });
      }
      // A gradient that overflowed has no norm that JSON could hold.
      const gradNorm = result.skipped ? 0 : result.gradNorm;
      const metrics = { step: at, ...result, gradNorm, lr, tokensPerSecond, seconds };
      const measured = {
        ...(isFine && validLoss !== undefined && { validLoss }),
        ...(averageValidLoss !== undefined && { averageValidLoss }),
        ...(sample !== undefined && { sample }),
        ...(stopping.isOver && !isDone && { stoppedEarly: true as const }),
      };
      yield at === step ? { ...metrics, ...measured } : metrics;
    }
    if (!isFine) {
      const batches = fixedBatches(options.valid!, validShape, config.validBatches);
      const origin = await firstOrigin(backend, model, batches, seqLen, config.dtype);
      throw DivergenceError.inValidation(step, validLoss!, origin, { lr: learningRate(step, schedule), clip });
    }
    if (sampled?.status === "rejected") {
      if (!(sampled.reason instanceof NoTokenError)) throw sampled.reason;
      const origin = await originInForward(backend, model, sampler!.lastSequence(seqLen), config.dtype, seqLen);
      throw DivergenceError.inSample(step, origin, { lr: learningRate(step, schedule), clip });
    }
    // Whoever stops the run during a validation or a sample does not wait for another step.
    isLast ||= signal?.aborted === true;
    if (!isLast && options.onProgress) {
      const progress = { taken: step + 1, seconds, stretch: results.length, stretchSeconds: elapsed };
      schedule = { ...schedule, ...await options.onProgress(progress) };
    }
    if (isSaved || isLast) {
      const { optimizerState: optimizer } = trainer;
      const averaged = average && { average: average.weights };
      const since = config.patience === undefined ? {} : { validationsSinceBest: stopping.validationsSinceBest };
      await options.onSnapshot?.({
        step: step + 1,
        seconds,
        weights: model.parameters.parts,
        optimizer,
        ...averaged,
        ...since,
      });
    }
    first = step + 1;
    started = performance.now();
  }
}

/** Whole tokens per second; of less than one, three digits: a pace of 0 would never end. */
function throughput(tokens: number, seconds: number): number {
  // A clock may be too coarse for a short step, and JSON holds no infinity.
  const pace = tokens / Math.max(seconds, 1e-6);
  return pace < 1 ? Number(pace.toPrecision(3)) : Math.round(pace);
}

/** What is the first in the forward passes of some batches to be NaN or infinite. */
async function firstOrigin(
  backend: Backend,
  model: LanguageModel,
  batches: AsyncIterable<Batch>,
  seqLen: number,
  precision?: Precision,
): Promise<ForwardOrigin | undefined> {
  for await (const batch of batches) {
    const origin = await originInForward(backend, model, batch, precision, seqLen);
    if (origin) return origin;
  }
  return undefined;
}
