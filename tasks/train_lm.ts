/**
 * Trains a Transformer on token files.
 *
 *   deno task train-lm --train train.npy --valid valid.npy --tokenizer TOKENIZER --out RUN
 */
import { type CountedProgram, programMemory } from "../lib/accounting/program.ts";
import { formatMeasurement, formatPrediction, measureTraining } from "../lib/accounting/training_summary.ts";
import { formatBinary, formatCount, formatSi } from "../lib/accounting/units.ts";
import { backendChoice } from "../lib/backend/select.ts";
import { requireOneTokenizer } from "../lib/dataset/tokenizer_id.ts";
import type { Program } from "../lib/graph/program.ts";
import { isFile } from "../lib/io/is_file.ts";
import { measurePeak, Peak } from "../lib/measure/peak.ts";
import type { ModelConfig } from "../lib/model/config.ts";
import { parameterSpecs, sizeOf } from "../lib/model/parameters.ts";
import { type Checkpoint, latestCheckpoint, listCheckpoints } from "../lib/run/checkpoint.ts";
import { configWarnings } from "../lib/run/config_warnings.ts";
import { requireSameConfig } from "../lib/run/config_difference.ts";
import { requireSameData } from "../lib/run/data_record.ts";
import { DivergenceError } from "../lib/train/divergence.ts";
import { keepConfig } from "../lib/run/keep_config.ts";
import { mergeConfigs, readConfigFile } from "../lib/run/merge_config.ts";
import { readFirstMetrics } from "../lib/run/metrics_follower.ts";
import { missingSteps } from "../lib/run/metrics_log.ts";
import { createRunDirectory, readRunConfig, RUN_ENTRIES, RUN_FILES, type RunConfig } from "../lib/run/run_directory.ts";
import { requireRoom } from "../lib/run/require_room.ts";
import { trainRun } from "../lib/run/run.ts";
import { requireTransformer } from "../lib/run/run_model.ts";
import { loadRunTokenizer } from "../lib/run/run_tokenizer.ts";
import { predictRun } from "../lib/train/predict_model.ts";
import { samplesWith } from "../lib/train/sampler.ts";
import type { StepMetrics } from "../lib/train/train.ts";
import { moreLike, startBackend } from "./cli/backend.ts";
import { inCommandLine, messageOf, say, UserError, wordingOf } from "./cli/errors.ts";
import { isFileSystemError } from "./cli/file_system_errors.ts";
import { requireDirectory, requireInputFile } from "./cli/files.ts";
import { exitCodeOf, untilInterrupted } from "./cli/interrupt.ts";
import { roomFor } from "./cli/machine_memory.ts";
import { requireOutputDirectory } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { startedAs } from "./cli/started_as.ts";
import { openTokenizer } from "./cli/tokenizer.ts";
import { REPORT_FILE, tryToWriteReport } from "./report/write_report.ts";
import {
  configParts,
  FLAGS,
  HELP,
  requireNewRunFlags,
  requireResumeFlags,
  requireValidFlag,
  type TrainFlags,
} from "./train_lm/flags.ts";
import { fitToTime } from "./train_lm/fit_to_time.ts";
import { followSteps } from "./train_lm/follow.ts";
import { absoluteRecord, openChecked } from "./train_lm/tokens.ts";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "train-lm", help: HELP, flags: FLAGS }, args, async (flags) => {
    return flags.resume === undefined ? await start(flags) : await resume(flags, flags.resume);
  });
}

async function start(flags: TrainFlags): Promise<number> {
  const { train: trainPath, out } = requireNewRunFlags(flags);
  const inputs = [trainPath, flags.valid, flags.config, flags.tokenizer].filter((path) => path !== undefined);
  await requireOutputDirectory(out, { force: flags.force, inputs, own: RUN_ENTRIES });
  for (const path of [trainPath, flags.valid, flags.config]) if (path !== undefined) await requireInputFile(path);
  const tokenizer = flags.tokenizer === undefined ? undefined : await openTokenizer(flags.tokenizer, flags.pattern);
  const fromFile = flags.config === undefined ? [] : [await readConfigFile(flags.config, tokenizer?.vocabSize)];
  const parts = [...fromFile, configParts(flags)];
  const said = inCommandLine(() => mergeConfigs(parts, tokenizer?.vocabSize));
  inCommandLine(() => samplesWith(said.training, tokenizer));
  const named = tokenizer && { tokenizer, path: flags.tokenizer! };
  using train = await openChecked(trainPath, said, named);
  using valid = flags.valid === undefined ? undefined : await openChecked(flags.valid, said, named);
  requireOneTokenizer([train, valid]);
  await using backend = await startBackend(flags.backend ?? "auto", {
    precision: said.training.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  await requireRoom(backend, said, roomFor(backend, valid));
  const fit = { parts, tokenizer, train, valid, directory: out };
  const merged = flags.minutes === undefined ? said : await fitToTime(flags.minutes, {
    ...fit,
    createBackend: moreLike(backend, flags.gpu),
  });
  const config: RunConfig<ModelConfig> = {
    ...merged,
    data: { train: await absoluteRecord(train), ...(valid && { valid: await absoluteRecord(valid) }) },
    backend: backend.name,
  };
  await createRunDirectory(out, config, tokenizer, { replace: flags.force });
  console.error(JSON.stringify({ model: config.model, training: config.training }));
  for (const warning of configWarnings(merged, valid !== undefined)) console.error(`warning: ${warning}`);
  return await follow({ backend, directory: out, config, train, valid, tokenizer });
}

async function resume(flags: TrainFlags, directory: string): Promise<number> {
  requireResumeFlags(flags);
  await requireDirectory(directory, RUN_ENTRIES);
  const { checkpoint, damaged } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  for (const { problem } of damaged) console.error(`warning: ${problem}`);
  // The checkpoint knows the whole configuration, should the file be gone.
  const isThere = checkpoint === undefined || await isFile(`${directory}/${RUN_FILES.config}`);
  const kept = isThere ? await readRunConfig(directory) : checkpoint.state.config;
  const config = { ...kept, model: requireTransformer(directory, kept.model) };
  if (checkpoint) requireSameConfig(directory, config, checkpoint);
  if (!isThere) {
    await keepConfig(directory, config);
    console.error(
      `warning: ${directory} had no ${RUN_FILES.config}: it was written again, from its newest checkpoint`,
    );
  }
  requireValidFlag(flags, config.data.valid !== undefined);
  const { steps } = config.training;
  if (checkpoint?.state.step === steps && await isFile(`${directory}/${RUN_FILES.weights}`)) {
    // One that was killed after its weights were written has none.
    if (!await isFile(`${directory}/${REPORT_FILE}`)) {
      await tryToWriteReport([directory], `${directory}/${REPORT_FILE}`);
    }
    console.log(`All ${formatCount(steps)} steps have been taken already. The weights are in ${directory}`);
    return 0;
  }
  const trainPath = flags.train ?? config.data.train.name;
  const validPath = config.data.valid && (flags.valid ?? config.data.valid.name);
  for (const path of [trainPath, validPath]) if (path !== undefined) await requireInputFile(path);
  using train = await openChecked(trainPath, config);
  await requireSameData(train, config.data.train);
  using valid = validPath === undefined ? undefined : await openChecked(validPath, config);
  if (valid) await requireSameData(valid, config.data.valid!);
  const tokenizer = config.training.sampleEvery ? await loadRunTokenizer(directory) : undefined;
  await using backend = await startBackend(flags.backend ?? backendChoice(config.backend), {
    precision: config.training.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  await requireRoom(backend, config, roomFor(backend, valid));
  const missing = await missingSteps(directory, checkpoint?.state.step ?? 0);
  if (missing !== undefined) console.error(`warning: ${missing}`);
  console.error(`Continuing at step ${checkpoint?.state.step ?? 0} of ${steps}`);
  // A run that was killed before its first checkpoint begins anew; weights are not given up for that.
  const beginAnew = checkpoint === undefined && !await isFile(`${directory}/${RUN_FILES.weights}`);
  return await follow({ backend, directory, config, train, valid, tokenizer, checkpoint, beginAnew });
}

/** Trains to the end or to an interruption, and says how it went. Returns the exit code. */
async function follow(
  run: Pick<Parameters<typeof trainRun>[0], "backend" | "directory" | "train" | "valid" | "tokenizer"> & {
    config: RunConfig<ModelConfig>;
    checkpoint?: Checkpoint;
    beginAnew?: boolean;
  },
): Promise<number> {
  const { backend, directory, config } = run;
  const { model, training } = config;
  const predicted = predictRun(model, training);
  console.error(
    `${run.train.length.toLocaleString("en-US")} tokens; ${backend.name}: ${backend.description}\n` +
      formatPrediction(predicted),
  );
  let programs: readonly Program[] = [];
  let gpuMemory = "";
  const onPrograms = (loaded: readonly Program[]) => {
    programs = loaded;
    if (!backend.capabilities.onHost) {
      gpuMemory = ` + ${formatBinary(programMemory(asOneProgram(loaded)).total)} on the GPU`;
    }
  };
  const memory = () => `${formatBinary(Deno.memoryUsage().rss)}${gpuMemory}`;
  const peak = new Peak(await measurePeak(backend));
  const mfu = (tokensPerSecond: number) => peak.share(3 * predicted.forwardFlops * tokensPerSecond);
  let interruption: AbortSignal | undefined;
  // The report is for a run that ended in any way: one that diverged is to be looked at more than any other.
  const followed = await untilInterrupted((signal) =>
    followSteps(trainRun({ ...run, signal: interruption = signal, onPrograms }), config, { mfu, memory }, signal)
  ).catch(async (error) => {
    if (error instanceof DivergenceError) {
      const newest = (await listCheckpoints(`${directory}/${RUN_FILES.checkpoints}`)).at(-1);
      throw newest === undefined
        ? error
        : new UserError(say`${wordingOf(error)}. The newest checkpoint stays: ${newest}`);
    }
    if (!isFileSystemError(error)) throw error;
    throw new UserError(`${messageOf(error)}; then continue with: deno task train-lm --resume ${directory}`);
  }).finally(() => tryToWriteReport([directory], `${directory}/${REPORT_FILE}`));
  if (followed === undefined) {
    console.log(`All ${training.steps} steps have been taken already. The weights are in ${directory}`);
    return 0;
  }
  const { last, tokensPerSecond } = followed;
  const loss = `loss ${await describeFirstLoss(directory, followed.first)} → ${last.loss.toFixed(3)}`;
  const valid = last.validLoss === undefined
    ? ""
    : `, validation loss ${last.validLoss.toFixed(3)} (perplexity ${Math.exp(last.validLoss).toFixed(1)})`;
  const taken = last.step + 1;
  if (taken < training.steps) {
    console.log(
      `Stopped after ${taken} of ${training.steps} steps on ${backend.name}: ${loss}. ` +
        `Continue with: ${startedAs()} train-lm --resume ${directory}`,
    );
  } else {
    console.log(
      `Trained ${taken} ${taken === 1 ? "step" : "steps"} on ${backend.name}: ${loss}${valid}. Written to ${directory}`,
    );
  }
  const parameters = parameterSpecs(model).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const tokensPerStep = training.batchSize * training.gradAccumulation * model.contextLength;
  const program = asOneProgram(programs);
  // Other programs may have slowed the first measurement down: the better of two is nearer to the limit.
  peak.measure(await measurePeak(backend));
  const { flopsPerSecond } = peak;
  const measured = measureTraining({ program, parameters, tokensPerStep, tokensPerSecond, peak: flopsPerSecond });
  console.log(
    `${formatMeasurement(predicted, measured)}\n` +
      `MFU is the share of ${formatSi(flopsPerSecond, "FLOP/s")}: ${peak.source}`,
  );
  return taken < training.steps ? exitCodeOf(interruption) : 0;
}

/** The loss that the run began with, before it was resumed; where its log does not go back so far, says from which step. */
async function describeFirstLoss(directory: string, firstSeen: StepMetrics): Promise<string> {
  const { step, loss } = await readFirstMetrics(directory) ?? firstSeen;
  return step === 0 ? loss.toFixed(3) : `${loss.toFixed(3)} (after ${step} ${step === 1 ? "step" : "steps"})`;
}

/** All that some programs do and hold together. */
function asOneProgram(programs: readonly Program[]): CountedProgram {
  return {
    calls: programs.flatMap(({ calls }) => calls),
    storages: [...new Set(programs.flatMap(({ storages }) => storages))],
    scratch: [...new Set(programs.flatMap(({ scratch }) => scratch))],
  };
}

if (import.meta.main) await runProgram(main);
