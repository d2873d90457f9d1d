import { countParameters } from "../accounting/parameters.ts";
import { formatBinary } from "../accounting/units.ts";
import type { Backend } from "../backend/backend.ts";
import { option, say, UserError } from "../errors.ts";
import type { Program } from "../graph/program.ts";
import { BYTES_PER_ELEMENT, type DeviceStorage } from "../graph/tensor.ts";
import type { ModelConfig } from "../model/config.ts";
import { Transformer } from "../model/transformer.ts";
import { loraOf } from "../train/adapters.ts";
import { seqLenOf, type TrainingConfig } from "../train/config.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import { predictRun } from "../train/predict_model.ts";
import { LOG_CAPACITY } from "../train/train.ts";
import { WeightAverage } from "../train/weight_average.ts";
import { Trainer, trainerOptionsOf } from "../train/trainer.ts";

/** Options for `requireRoom`. */
export interface RoomOptions {
  /** Whether it validates. Default: false. */
  readonly validates?: boolean;
  /** The machine's memory in bytes, if the backend computes in it and it is known. */
  readonly hostBytes?: number;
}

/** What to train, and how; a run's config.json will do. */
export interface RoomConfig {
  /** The model's shape. */
  readonly model: ModelConfig;
  /** How to train it. */
  readonly training: TrainingConfig;
}

/** The most tokens that a step's arrays on the host can hold. */
const MAX_STEP_TOKENS = 2 ** 31;

/**
 * Finds out whether a run fits on a backend, before anything is written. It compares the predicted memory with what
 * there is, then loads the run's programs and releases them again.
 *
 * @throws {UserError} If the memory is too small, naming what to lower.
 * @throws {Error} If the backend cannot load a program, as `Backend.load` says.
 */
export async function requireRoom(backend: Backend, config: RoomConfig, options: RoomOptions = {}): Promise<void> {
  requireBytes(backend, config, options.hostBytes);
  const { model: shape, training } = config;
  const seqLen = seqLenOf(shape, training);
  const storages = new Set<DeviceStorage>();
  const watched = noting(backend, storages);
  try {
    const model = new Transformer(shape, { lora: loraOf(training) });
    const { gradients } = await Trainer.create(watched, model, trainerOptionsOf(training, LOG_CAPACITY));
    const { averageWeights: share } = training;
    if (share !== undefined) await WeightAverage.create(watched, model, { share, gradients });
    if (options.validates) await Evaluator.create(watched, model, training.batchSize, training.dtype, { seqLen });
  } finally {
    for (const storage of storages) backend.release(storage);
  }
}

/** Compares the predicted memory with what the backend can address and the machine has. */
function requireBytes(backend: Backend, { model, training }: RoomConfig, hostBytes = Infinity): void {
  const { batchSize, gradAccumulation } = training;
  const { parameters, gradients, optimizer, activations } = predictRun(model, training).memory;
  const stepTokens = batchSize * gradAccumulation * seqLenOf(model, training);
  const logs = BYTES_PER_ELEMENT * LOG_CAPACITY * gradAccumulation;
  // Ids and targets of a step's sequences, which are outside the backend.
  const batch = 2 * BYTES_PER_ELEMENT * stepTokens;
  const weights = parameters + gradients + optimizer;
  const onBackend = weights + activations + logs;
  const embeddings = model.vocabSize * model.dModel * (model.tieEmbeddings ? 1 : 2);
  const shorterStep = say`${option("gradAccumulation")} or ${option("batchSize")}`;
  const parts = [
    {
      bytes: weights,
      lower: embeddings > countParameters(model) / 2
        ? say`${option("vocabSize")} or ${option("dModel")}`
        : say`${option("dModel")}, ${option("dFf")}, ${option("numLayers")} or ${option("vocabSize")}`,
    },
    {
      bytes: activations,
      lower: say`${option("batchSize")}, ${option("contextLength")} or the model's size`,
    },
    { bytes: logs + batch, lower: shorterStep },
  ];
  const { lower } = parts.reduce((most, part) => part.bytes > most.bytes ? part : most);
  const limits: readonly [needed: number, bytes: number, of: string][] = [
    [onBackend, backend.totalBytes ?? Infinity, `that ${backend.description} can address`],
    [onBackend + batch, hostBytes, "of this machine"],
  ];
  for (const [needed, bytes, of] of limits) {
    if (needed <= bytes) continue;
    throw new UserError(
      say`Cannot train this model: it needs ${formatBinary(needed)} of memory, must be at most the ${
        formatBinary(bytes)
      } ${of}. Lower ${lower}`,
    );
  }
  if (stepTokens <= MAX_STEP_TOKENS) return;
  throw new UserError(
    say`Cannot train this model: got ${stepTokens} tokens in a step, must be at most ${MAX_STEP_TOKENS}. Lower ${shorterStep}`,
  );
}

/** A wrapper around the backend that notes the storages of every program, whether it can be loaded or not. */
function noting(backend: Backend, storages: Set<DeviceStorage>): Backend {
  const load = (program: Program) => {
    for (const storage of program.storages) storages.add(storage);
    return backend.load(program);
  };
  // Any other storages on the backend are not ours.
  return new Proxy(backend, {
    get(target, key) {
      if (key === "load") return load;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
