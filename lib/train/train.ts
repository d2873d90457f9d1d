import type { Backend } from "../backend/backend.ts";
import { fixedBatches, randomBatch, requireWindow } from "../dataset/batches.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import type { Program } from "../graph/program.ts";
import type { Transformer } from "../model/transformer.ts";
import { type WeightSource, writeWeights } from "../model/weights.ts";
import type { TrainingConfig } from "./config.ts";
import { Evaluator } from "./evaluator.ts";
import { cosineLearningRate } from "./schedule.ts";
import { Trainer } from "./trainer.ts";

/** One line of metrics.jsonl. */
export interface StepMetrics {
  /** Counted from 0. */
  readonly step: number;
  /** Mean cross-entropy of the step's batch before the update, in nats per token. */
  readonly loss: number;
  readonly lr: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** Of the stretch of steps since the last read-back, validation excluded. */
  readonly tokensPerSecond: number;
  /** Mean cross-entropy over the validation windows with the weights after this step, where it was measured. */
  readonly validLoss?: number;
}

/** What a training run needs. */
export interface TrainOptions {
  readonly backend: Backend;
  readonly model: Transformer;
  readonly config: TrainingConfig;
  /** Weights to start from. */
  readonly weights: WeightSource;
  readonly train: TokenSource;
  readonly valid?: TokenSource;
  /** Called once, before the first step, with the program that each step runs: what it does can be counted. */
  readonly onProgram?: (program: Program) => void;
  /** Stops the run after the steps under way; the generator then ends as if all steps were taken. */
  readonly signal?: AbortSignal;
}

/**
 * Milliseconds between two read-backs of losses. The wasm backend is done when `step` resolves, so reading costs nothing
 * there; a GPU would wait at each, so it gets a stretch of steps at a time.
 */
const READ_BACK_MS = { wasm: 0, webgpu: 500 };

/** At most so many steps lie between two read-backs. */
const LOG_CAPACITY = 256;

/**
 * Trains a model, yielding each step's metrics. The weights are on the backend, in `model.parameters`, at every yield
 * that has a `validLoss`, and when the generator ends.
 *
 * @throws {UserError} If a token source is too short or holds ids beyond the model's vocabulary.
 */
export async function* train(options: TrainOptions): AsyncGenerator<StepMetrics, void, void> {
  const { backend, model, config } = options;
  for (const source of [options.train, options.valid]) if (source) requireWindow(source, model.config.contextLength);
  const trainer = await Trainer.create(backend, model, {
    batchSize: config.batchSize,
    optimizer: config,
    maxGradNorm: config.clip,
    logCapacity: LOG_CAPACITY,
  });
  try {
    options.onProgram?.(trainer.program);
    await writeWeights(backend, model, options.weights);
    yield* trainSteps(trainer, options);
  } finally {
    trainer.dispose();
  }
}

async function* trainSteps(trainer: Trainer, options: TrainOptions): AsyncGenerator<StepMetrics, void, void> {
  const { backend, model, config, signal } = options;
  const { batchSize, steps, seed } = config;
  const shape = { batchSize, seqLen: model.config.contextLength, vocabSize: model.config.vocabSize };
  const schedule = { maxLr: config.lr, minLr: config.minLr, warmupSteps: config.warmupSteps, cycleSteps: steps };
  const evaluator = options.valid && await Evaluator.create(backend, model, batchSize);

  let first = 0;
  let started = performance.now();
  for (let step = 0, isLast = false; !isLast; step++) {
    await trainer.step(await randomBatch(options.train, shape, seed, step), cosineLearningRate(step, schedule));
    isLast = step === steps - 1 || signal?.aborted === true;
    const isValidated = evaluator !== undefined && (isLast || (step + 1) % config.validEvery === 0);
    const isFull = step + 1 - first === LOG_CAPACITY;
    const isDue = performance.now() - started >= READ_BACK_MS[backend.name];
    if (!isFull && !isDue && !isValidated && !isLast) continue;

    const results = await trainer.takeLog();
    const seconds = (performance.now() - started) / 1000;
    const tokensPerSecond = Math.round(results.length * batchSize * shape.seqLen / seconds);
    const validLoss = isValidated
      ? await evaluator.meanLoss(fixedBatches(options.valid!, shape, config.validBatches))
      : undefined;
    for (const [i, { loss, gradNorm }] of results.entries()) {
      const metrics = { step: first + i, loss, lr: cosineLearningRate(first + i, schedule), gradNorm, tokensPerSecond };
      yield validLoss !== undefined && first + i === step ? { ...metrics, validLoss } : metrics;
    }
    first = step + 1;
    started = performance.now();
  }
}
