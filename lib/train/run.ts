import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { requireOneTokenizer } from "../dataset/tokenizer_id.ts";
import type { Program } from "../graph/program.ts";
import { removeTemporaries } from "../io/atomic.ts";
import { Transformer } from "../model/transformer.ts";
import { initialWeights } from "../model/weights.ts";
import { saveWeights } from "../model/weights_file.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import {
  type BestValidation,
  type Checkpoint,
  CheckpointTensors,
  discardCheckpointsAfter,
  pruneCheckpoints,
  writeCheckpoint,
} from "./checkpoint.ts";
import { requireSameConfig } from "./config_difference.ts";
import { requireUsable } from "./config_fields.ts";
import { DivergenceError } from "./divergence.ts";
import { MetricsLog } from "./metrics_log.ts";
import { RUN_FILES, type RunConfig } from "./run_directory.ts";
import { type StepMetrics, train } from "./train.ts";

/** What a run that is kept on disk needs. */
export interface TrainRunOptions {
  readonly backend: Backend;
  /** The run's directory; it exists, with its config.json. */
  readonly directory: string;
  readonly config: RunConfig;
  readonly train: TokenSource;
  readonly valid?: TokenSource;
  /** The tokenizer of the text that is trained on; needed for samples. */
  readonly tokenizer?: Tokenizer;
  /** Where to go on; by default from the beginning. */
  readonly checkpoint?: Checkpoint;
  /** Called once, before the first step, with the programs that each step runs, in order: what they do can be counted. */
  readonly onPrograms?: (programs: readonly Program[]) => void;
  /** Called when a checkpoint is on disk, with the steps taken. */
  readonly onCheckpoint?: (step: number) => void;
  /** Stops after the step under way; a checkpoint and the weights are written. */
  readonly signal?: AbortSignal;
}

/**
 * Trains a model and keeps metrics, checkpoints, the best weights and the last ones in the run's directory.
 *
 * However the process ends, the run can be resumed from its newest checkpoint with `checkpoint`, and goes on with the
 * same bits as if it had never stopped (given the same backend and machine).
 *
 * @throws {RangeError} If no such model can be built and trained; nothing is changed then.
 * @throws {UserError} If the checkpoint was made with another configuration, or token sources and tokenizer do not belong
 *   together; nothing is changed then.
 * @throws {DivergenceError} If a loss, a gradient or a weight is NaN or infinite; the checkpoints and the best weights stay
 *   as they were.
 */
export async function* trainRun(options: TrainRunOptions): AsyncGenerator<StepMetrics, void, void> {
  const { backend, directory, config, checkpoint } = options;
  requireUsable(config);
  requireOneTokenizer([options.train, options.valid], options.tokenizer);
  if (checkpoint) requireSameConfig(directory, config, checkpoint);
  const checkpoints = `${directory}/${RUN_FILES.checkpoints}`;
  const model = new Transformer(config.model);
  using owned = new DisposableStack();
  owned.defer(() => model.release(backend));
  using tensors = checkpoint && await CheckpointTensors.open(checkpoint);
  for (const written of [directory, checkpoints]) await removeTemporaries(written);
  // First: a log that cannot be gone on with is refused with the run as it was.
  using log = await MetricsLog.open(directory, checkpoint?.state.step ?? 0);
  // Weights at an earlier end would be taken for the newest.
  await removeIfPresent(`${directory}/${RUN_FILES.weights}`);
  // Later checkpoints were found damaged, or do not follow from this one.
  await discardCheckpointsAfter(checkpoints, checkpoint?.state.step ?? 0);
  let best: BestValidation | undefined = checkpoint?.state.best;
  const steps = train({
    backend,
    model,
    config: config.training,
    weights: tensors?.weights ?? initialWeights(config.model, config.training.seed),
    start: tensors && { ...checkpoint!.state, optimizer: tensors.optimizer },
    train: options.train,
    valid: options.valid,
    tokenizer: options.tokenizer,
    signal: options.signal,
    onPrograms: options.onPrograms,
    onSnapshot: async (snapshot) => {
      // Metrics first: a checkpoint is never ahead of them.
      await log.sync();
      const { step, seconds } = snapshot;
      await writeCheckpoint(checkpoints, backend, snapshot, { step, seconds, ...(best && { best }), config });
      await pruneCheckpoints(checkpoints, config.training.keep);
      options.onCheckpoint?.(step);
    },
  });
  for await (const metrics of loggingDivergence(steps, log)) {
    await log.append(metrics);
    const { step, validLoss } = metrics;
    if (validLoss !== undefined && validLoss < (best?.validLoss ?? Infinity)) {
      best = { step, validLoss };
      await saveWeights(`${directory}/${RUN_FILES.best}`, backend, model, {
        step: String(step),
        valid_loss: String(validLoss),
      });
    }
    yield metrics;
  }
  await saveWeights(`${directory}/${RUN_FILES.weights}`, backend, model);
}

/** Passes the steps on. That they ended in a divergence is logged: nothing else in a run's directory says so. */
async function* loggingDivergence(steps: AsyncIterable<StepMetrics>, log: MetricsLog) {
  try {
    yield* steps;
  } catch (error) {
    if (error instanceof DivergenceError) await log.append({ step: error.step, diverged: error.message });
    throw error;
  }
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
