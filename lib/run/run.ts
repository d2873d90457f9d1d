import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { requireOneTokenizer } from "../dataset/tokenizer_id.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { option, OptionError, say, UserError } from "../errors.ts";
import { isFile } from "../io/is_file.ts";
import { lockDirectory } from "../io/lock.ts";
import { removeIfPresent } from "../io/remove_if_present.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import { tidyDirectory } from "../io/tidy.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { initialAdapters, loraFactor, withAdapters } from "../model/lora.ts";
import { initialWeights, type WeightSource } from "../model/weights.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import {
  type BestValidation,
  type Checkpoint,
  CheckpointTensors,
  discardCheckpointsAfter,
  listCheckpoints,
  pruneCheckpoints,
  writeCheckpoint,
} from "./checkpoint.ts";
import { requireSameConfig } from "./config_difference.ts";
import { requireUsable } from "./config_fields.ts";
import { DivergenceError } from "../train/divergence.ts";
import { keepConfig, requireOwnConfig } from "./keep_config.ts";
import { MetricsLog } from "./metrics_log.ts";
import { type RunConfig, writeRunConfig } from "./run_directory.ts";
import { CHECKPOINTS_ENTRIES, RUN_ENTRIES, RUN_FILES } from "./run_entries.ts";
import { saveAdapter } from "./save_adapter.ts";
import { modelOfRun } from "./run_model.ts";
import { OriginTensors } from "./origin_tensors.ts";
import { updatesBefore } from "./run_origin.ts";
import { timedLengthOf } from "./timed_length.ts";
import { frozenIn, loraOf } from "../train/adapters.ts";
import { trainedOf } from "../train/optimizer/frozen.ts";
import { betterLoss } from "../train/step_metrics.ts";
import { type StepMetrics, train } from "../train/train.ts";
import { writeMerged, writeTensors } from "./write_tensors.ts";

/** Options for `trainRun`. */
export interface TrainRunOptions {
  /** What it runs on. It is not disposed of. */
  readonly backend: Backend;
  /** The run's directory, which must exist. Its config.json is written if it is missing. */
  readonly directory: string;
  /** What to train, and how: the directory's config.json, or a checkpoint's. */
  readonly config: RunConfig;
  /**
   * The model, if it is your own: the one that `config.model` describes. Its weights stay on the backend until you
   * release it. Default: a `Transformer`, which is released at the end.
   */
  readonly model?: LanguageModel;
  /**
   * The initial weights, if there is no checkpoint. Default: those of the run that `config.from` names, or else
   * `initialWeights` with the training's seed.
   */
  readonly weights?: WeightSource;
  /** The tokens to train on. */
  readonly train: TokenSource;
  /** The tokens to validate with. Without them there is no validation. */
  readonly valid?: TokenSource;
  /** The tokenizer of the training text; needed for samples. */
  readonly tokenizer?: Tokenizer;
  /** Where to continue; later checkpoints are removed. Default: start, in a directory where no training has started. */
  readonly checkpoint?: Checkpoint;
  /**
   * Whether to start again, without a checkpoint, where a training has started: its metrics, weights and checkpoints
   * are removed. Default: that is refused.
   */
  readonly beginAnew?: boolean;
  /**
   * Called once, before the first step, with the programs that each step runs, in order, so that they can be counted.
   */
  readonly onPrograms?: (programs: readonly Program[]) => void;
  /** Called when a run with a `timeBudget` is to have another number of steps, with that number. */
  readonly onLength?: (steps: number) => void;
  /** Called when a checkpoint is on disk, with the number of steps taken. */
  readonly onCheckpoint?: (step: number) => void;
  /** Stops after the current step; a checkpoint and the weights are written. */
  readonly signal?: AbortSignal;
}

/**
 * Trains a model, and keeps metrics, checkpoints, the best weights and the last ones in the run's directory.
 *
 * However the process ends, the run can be resumed from its newest checkpoint with `checkpoint`. It then gives the same
 * bits as if it had never stopped (given the same backend and machine). What is left of later steps, or of a run that
 * starts again, is removed only once the first step is done.
 *
 * @throws {RangeError} If no such model can be built and trained, or `model` is a different one; nothing changes then.
 * @throws {UserError} If the run has already started, but there is neither a checkpoint nor leave to start again; if
 *   another process is training it; if config.json or the checkpoint has a different configuration; or if the token
 *   sources and the tokenizer do not belong together; or if the files that `config.from` names have changed and are
 *   still needed. Nothing changes then.
 * @throws {DivergenceError} If a loss, a gradient or a weight is NaN or infinite. Checkpoints and the best weights
 *   stay.
 *
 * An example is at `resumeRun`, which finds the checkpoint and the data by the run's directory.
 */
export async function* trainRun(options: TrainRunOptions): AsyncGenerator<StepMetrics, void, void> {
  const { backend, directory, checkpoint } = options;
  let { config } = options;
  requireUsable(config);
  requireOneTokenizer([options.train, options.valid], options.tokenizer);
  if (checkpoint) requireSameConfig(directory, config, checkpoint);
  const checkpoints = `${directory}/${RUN_FILES.checkpoints}`;
  const model = modelOfRun(directory, config, options.model);
  trainedOf(model.parameters.specs, frozenIn(config.training));
  requireOriginOfAdapters(options);
  using _lock = await lockDirectory(directory, "train in");
  // Checked only now: until here, another process could have replaced the run.
  const taken = checkpoint?.state.step ?? 0;
  await requireOwnConfig(directory, config, taken);
  if (checkpoint === undefined && !options.beginAnew) await requireNotBegun(directory);
  const lora = loraOf(config.training);
  // Adapters need what they belong to, wherever they stand.
  const hasOrigin = checkpoint === undefined || lora !== undefined;
  using origin = hasOrigin && config.from ? await OriginTensors.open(config.from) : undefined;
  await keepConfig(directory, config, taken);
  using opened = new DisposableStack();
  if (options.model === undefined) opened.defer(() => model.release(backend));
  using tensors = checkpoint && await CheckpointTensors.open(checkpoint);
  await tidyDirectory(directory, RUN_ENTRIES);
  await tidyDirectory(checkpoints, CHECKPOINTS_ENTRIES);
  const { training } = config;
  let log: MetricsLog | undefined;
  const openLog = async () => log ??= opened.use(await goBackTo(directory, checkpoint));
  let best: BestValidation | undefined = checkpoint?.state.best;
  const isAveraged = config.training.averageWeights !== undefined;
  let average: ReadonlyMap<string, Tensor> | undefined;
  // Without validations nothing says that the average, which was asked for, is worse.
  let better = isAveraged ? checkpoint?.state.better ?? "average" : undefined;
  const save = async (name: string, metadata: Readonly<Record<string, string>> = {}) => {
    const tensors = better === "average" ? average! : model.parameters.parts;
    const kind = better && { weights: better };
    const written = { metadata: { ...metadata, ...kind } };
    if (lora) await writeMerged(`${directory}/${name}`, backend, tensors, { ...written, factor: loraFactor(lora) });
    else await writeTensors(`${directory}/${name}`, backend, tensors, written);
  };
  const timed = timedLengthOf(config, options.valid !== undefined);
  const adapters = () => tensors?.weights ?? initialAdapters(model.parameters.specs, training.seed);
  const weights = lora && origin
    ? withAdapters(origin.weights, adapters())
    : tensors?.weights ?? options.weights ?? origin?.weights ?? initialWeights(model, training.seed, training);
  const steps = train({
    backend,
    model,
    config: training,
    weights,
    start: tensors
      ? {
        ...checkpoint!.state,
        optimizer: tensors.optimizer,
        average: tensors.average,
        updates: updatesBefore(config.from) + taken,
      }
      : origin?.start,
    train: options.train,
    valid: options.valid,
    tokenizer: options.tokenizer,
    signal: options.signal,
    onPrograms: options.onPrograms,
    onAverage: (weights) => average = weights,
    onProgress: timed && (async (progress) => {
      const length = timed.after(progress);
      if (length.steps !== config.training.steps) {
        config = { ...config, training: { ...config.training, ...length } };
        await writeRunConfig(directory, config);
        options.onLength?.(length.steps);
      }
      return length;
    }),
    onEnd: async () => {
      await save(RUN_FILES.weights);
      if (lora) await saveAdapter(directory, backend, better === "average" ? average! : model.parameters.parts, config);
    },
    onSnapshot: async (snapshot) => {
      // Metrics first, so that a checkpoint is never ahead of them.
      await log?.sync();
      const { step, seconds, validationsSinceBest } = snapshot;
      const validated = { ...(best && { best }), ...(validationsSinceBest !== undefined && { validationsSinceBest }) };
      const kept = better && { better };
      await writeCheckpoint(checkpoints, backend, snapshot, { step, seconds, ...validated, ...kept, config });
      await pruneCheckpoints(checkpoints, config.training.keep);
      options.onCheckpoint?.(step);
    },
  });
  for await (const metrics of loggingDivergence(steps, openLog)) {
    const log = await openLog();
    await log.append(metrics);
    const { step, validLoss, averageValidLoss } = metrics;
    if (validLoss !== undefined) {
      const lower = betterLoss({ validLoss, averageValidLoss });
      if (isAveraged) better = lower === averageValidLoss ? "average" : "live";
      if (lower < (best?.validLoss ?? Infinity)) {
        best = { step, validLoss: lower };
        await save(RUN_FILES.best, { step: String(step), valid_loss: String(lower) });
      }
    }
    yield metrics;
  }
  // A run that was killed after its last checkpoint gets here without a step.
  await pruneCheckpoints(checkpoints, config.training.keep);
}

/** @throws {OptionError} If a run that trains adapters begins with anything but another run's weights. */
function requireOriginOfAdapters({ config: { training, from }, weights }: TrainRunOptions): void {
  const { loraRank } = training;
  if (loraRank === undefined) return;
  const refuse = (got: string, mustBe: string) => {
    throw new OptionError(
      say`Cannot train: got ${option("loraRank")} ${loraRank} and ${got}, must be ${mustBe}`,
    );
  };
  if (from === undefined) refuse("no run to start from", "one whose weights the adapters belong to");
  if (from?.optimizer) refuse("another run's optimizer state", "without: it is of the weights, which are not trained");
  if (weights) refuse("weights", "without: they are those of the run that it starts from");
}

/** Passes on the steps. A divergence is logged, because nothing else in a run's directory tells of it. */
async function* loggingDivergence(steps: AsyncIterable<StepMetrics>, openLog: () => Promise<MetricsLog>) {
  try {
    yield* steps;
  } catch (error) {
    if (error instanceof DivergenceError) {
      await (await openLog()).append({ step: error.step, diverged: error.message });
    }
    throw error;
  }
}

/** Removes what does not follow from the checkpoint, or from the beginning, and opens the log to continue it. */
async function goBackTo(directory: string, checkpoint: Checkpoint | undefined): Promise<MetricsLog> {
  const step = checkpoint?.state.step ?? 0;
  // First, so that a log that cannot be continued is refused while the run is as it was.
  const log = await MetricsLog.open(directory, step);
  // Weights from an earlier end would look like the newest.
  for (const name of [RUN_FILES.weights, RUN_FILES.adapter, RUN_FILES.adapterConfig]) {
    if (await isFile(`${directory}/${name}`)) await removeIfPresent(`${directory}/${name}`);
  }
  const best = `${directory}/${RUN_FILES.best}`;
  if (checkpoint === undefined && await isFile(best)) await removeIfPresent(best);
  // Later checkpoints were found damaged, or do not follow from this one.
  await discardCheckpointsAfter(`${directory}/${RUN_FILES.checkpoints}`, step);
  return log;
}

/** @throws {UserError} If anything of an earlier training is there, naming it. */
async function requireNotBegun(directory: string): Promise<void> {
  const { weights, best, metrics, checkpoints } = RUN_FILES;
  const found = [];
  for (const name of [weights, best, metrics]) {
    // An empty metrics.jsonl comes from a run that was killed before its first step.
    if (((await statIfPresent(`${directory}/${name}`))?.size ?? 0) > 0) found.push(name);
  }
  if ((await listCheckpoints(`${directory}/${checkpoints}`)).length > 0) found.push(`${checkpoints}/`);
  if (found.length === 0) return;
  throw new UserError(
    `Cannot train in ${directory}: got ${
      found.join(", ")
    } of an earlier training and no checkpoint to continue from, ` +
      `must be a run that has not started. Continue from its newest checkpoint, or choose another directory`,
  );
}
