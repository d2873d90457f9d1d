// A trainer of a bench's model, with weights and a batch to take steps on.
import type { Backend } from "../../lib/backend/backend.ts";
import type { Batch } from "../../lib/dataset/batches.ts";
import type { Precision } from "../../lib/graph/graph.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { Philox } from "../../lib/random/philox.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { benchWeights } from "./bench_weights.ts";
import type { LmShape } from "./lm_shapes.ts";

const SEED = 1;
const LEARNING_RATE = 1e-3;
/** More steps than a turn has: those of the smallest model take half a millisecond to hand to a GPU. */
const LOG_CAPACITY = 8192;

/** A model ready to take steps. */
export interface LmTrainer extends Disposable {
  readonly trainer: Trainer;
  readonly batch: Batch;
  readonly learningRate: number;
  /** Takes steps and waits for their end; returns the seconds they took. */
  steps(count: number): Promise<number>;
}

/** Builds the model and its training step; the batch is random ids. Both are the caller's to dispose of. */
export async function createLmTrainer(
  backend: Backend,
  { config, batchSize }: LmShape,
  precision: Precision = "f32",
): Promise<LmTrainer> {
  const model = new Transformer(config);
  const trainer = await Trainer.create(backend, model, {
    batchSize,
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
    precision,
    maxGradNorm: 1,
    logCapacity: LOG_CAPACITY,
  });
  await writeWeights(backend, model, benchWeights(SEED));
  const tokens = batchSize * config.contextLength;
  const random = new Philox(SEED, 0);
  const ids = (first: number) =>
    Uint32Array.from({ length: tokens }, (_, i) => Math.floor(random.uniform(first + i) * config.vocabSize));
  const batch = { ids: ids(0), targets: ids(tokens) };
  const steps = async (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) await trainer.step(batch, LEARNING_RATE);
    await trainer.takeLog();
    return (performance.now() - start) / 1000;
  };
  const dispose = () => {
    trainer[Symbol.dispose]();
    model.release(backend);
  };
  return { trainer, batch, learningRate: LEARNING_RATE, steps, [Symbol.dispose]: dispose };
}
