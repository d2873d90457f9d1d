/**
 * Trains a Transformer on token files.
 *
 *   deno task train-lm --train train.npy --valid valid.npy --tokenizer TOKENIZER --out RUN
 */
import { programMemory } from "../lib/accounting/program.ts";
import {
  formatMeasurement,
  formatPrediction,
  formatSpeed,
  measureTraining,
} from "../lib/accounting/training_summary.ts";
import { formatBinary, formatCount, formatSi } from "../lib/accounting/units.ts";
import { backendChoice } from "../lib/backend/select.ts";
import { requireOneTokenizer } from "../lib/dataset/tokenizer_id.ts";
import type { Program } from "../lib/graph/program.ts";
import { isFile } from "../lib/io/is_file.ts";
import { measurePeak, Peak } from "../lib/measure/peak.ts";
import type { ModelConfig } from "../lib/model/config.ts";
import { parameterSpecs, sizeOf } from "../lib/model/parameters.ts";
import { type Checkpoint, hasTakenAll, latestCheckpoint, listCheckpoints } from "../lib/run/checkpoint.ts";
import { configWarnings } from "../lib/run/config_warnings.ts";
import { requireSameConfig } from "../lib/run/config_difference.ts";
import { requireSameData } from "../lib/run/data_record.ts";
import { DivergenceError } from "../lib/train/divergence.ts";
import { keepConfig } from "../lib/run/keep_config.ts";
import { mergeConfigs, readConfigFile } from "../lib/run/merge_config.ts";
import { missingSteps } from "../lib/run/metrics_log.ts";
import { createRunDirectory, readRunConfig, RUN_ENTRIES, RUN_FILES, type RunConfig } from "../lib/run/run_directory.ts";
import { describeOrigin } from "../lib/run/origin_record.ts";
import { requireRoom } from "../lib/run/require_room.ts";
import { whyNoAdapterFile } from "../lib/run/save_adapter.ts";
import { trainRun } from "../lib/run/run.ts";
import { requireTransformer } from "../lib/run/run_model.ts";
import { requireKeptState } from "../lib/run/run_origin.ts";
import { loadRunTokenizer } from "../lib/run/run_tokenizer.ts";
import { seqLenOf } from "../lib/train/config.ts";
import { predictRun } from "../lib/train/predict_model.ts";
import { samplesWith } from "../lib/train/sampler.ts";
import { moreLike, startBackend } from "./cli/backend.ts";
import { columnsOfStderr, fitLine } from "./cli/columns.ts";
import { inCommandLine, messageOf, say, UserError, wordingOf } from "./cli/errors.ts";
import { isFileSystemError } from "./cli/file_system_errors.ts";
import { requireDirectory, requireInputFile } from "./cli/files.ts";
import { exitCodeOf, untilInterrupted } from "./cli/interrupt.ts";
import { roomFor } from "./cli/machine_memory.ts";
import { requireOutputDirectory } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shellPath } from "./cli/shell_word.ts";
import { openTokenizer } from "./cli/tokenizer.ts";
import { REPORT_FILE, tryToWriteReport } from "./report/write_report.ts";
import { describeConfig, describeEnd, describeNext, describeTaken } from "./train_lm/describe.ts";
import {
  configParts,
  FLAGS,
  HELP,
  requireNewRunFlags,
  requireOneTone,
  requireResumeFlags,
  type TrainFlags,
} from "./train_lm/flags.ts";
import {
  chatFormOf,
  describeChat,
  newChatForm,
  openChat,
  requireKindOf,
  rowLengthOf,
  withRoomFor,
} from "./train_lm/fine_tune.ts";
import { fitToTime, precisionForTime, recipeForTime } from "./train_lm/fit_to_time.ts";
import { followSteps } from "./train_lm/follow.ts";
import { asOneProgram } from "./train_lm/one_program.ts";
import { changedByFlags, describeChanges } from "./train_lm/resume_settings.ts";
import {
  drawsAsBefore,
  openParent,
  requireParentShape,
  requireParentTokenizer,
  requireParentTokens,
  withParentsGiven,
} from "./train_lm/start_from.ts";
import { absoluteRecord, openChecked } from "./train_lm/tokens.ts";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "train-lm", help: HELP, flags: FLAGS }, args, async (flags) => {
    requireOneTone(flags);
    return flags.resume === undefined ? await start(flags) : await resume(flags, flags.resume);
  });
}

async function start(flags: TrainFlags): Promise<number> {
  const { train: trainPath, valid: validPath, out } = requireNewRunFlags(flags);
  const begun = flags.from === undefined ? undefined : await openParent(flags.from, flags["keep-optimizer"]);
  const inputs = [trainPath, validPath, flags.config, flags.tokenizer, begun?.directory].filter((path) =>
    path !== undefined
  );
  await requireOutputDirectory(out, { force: flags.force, inputs, own: RUN_ENTRIES });
  for (const path of [trainPath, validPath, flags.config]) if (path !== undefined) await requireInputFile(path);
  const named = flags.tokenizer !== undefined
    ? { tokenizer: await openTokenizer(flags.tokenizer, flags.pattern), path: flags.tokenizer }
    : begun?.tokenizer && { tokenizer: begun.tokenizer, path: begun.directory };
  if (begun && named) requireParentTokenizer(begun, named.tokenizer, named.path);
  const chat = begun && flags.sft !== undefined
    ? await newChatForm(begun.directory, named?.tokenizer, flags["chat-template"])
    : undefined;
  const parent = begun && chat ? withRoomFor(begun, chat.tokenizer, flags["lora-rank"] !== undefined) : begun;
  const tokenizer = chat?.tokenizer ?? named?.tokenizer;
  const fromFile = flags.config === undefined ? [] : [await readConfigFile(flags.config, tokenizer?.vocabSize)];
  const fromFlags = configParts(flags);
  if (parent) requireParentShape(parent, { file: fromFile[0] ?? {}, flags: fromFlags });
  const parts = [...recipeForTime(flags, fromFile), ...fromFile, fromFlags, ...(parent ? [parent.parts] : [])];
  const asked = inCommandLine(() => mergeConfigs(parts, tokenizer?.vocabSize));
  inCommandLine(() => samplesWith(asked.training, tokenizer));
  if (parent) await requireKeptState(parent.origin, parameterSpecs(asked.model), asked.training);
  const { contextLength } = asked.model;
  const open = (path: string) => chat ? openChat(path, chat, contextLength) : openChecked(path, asked, named);
  using train = await open(trainPath);
  using valid = validPath === undefined ? undefined : await open(validPath);
  requireOneTokenizer([train, valid]);
  if (parent && !chat) requireParentTokens(parent, [train, valid]);
  const said = chat
    ? { ...asked, training: { ...asked.training, seqLen: rowLengthOf([train, valid], contextLength) } }
    : asked;
  await using backend = await startBackend(flags.backend ?? "auto", {
    precision: said.training.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  await requireRoom(backend, said, roomFor(backend, valid));
  const fit = { parts: [...precisionForTime(said, backend), ...parts], tokenizer, train, valid, directory: out };
  const merged = flags.minutes === undefined ? said : await fitToTime(flags.minutes, {
    ...fit,
    createBackend: moreLike(backend, flags.gpu),
  });
  const config: RunConfig<ModelConfig> = {
    ...(parent ? withParentsGiven(merged, parent, fromFlags) : merged),
    ...(parent && { from: parent.origin }),
    data: { train: await absoluteRecord(train), ...(valid && { valid: await absoluteRecord(valid) }) },
    backend: backend.name,
  };
  await createRunDirectory(out, config, tokenizer, { replace: flags.force });
  if (parent && !flags.quiet) {
    console.error(`Starting from ${describeOrigin(parent.origin)}`);
    if (chat) {
      for (const line of describeChat(chat, parent.origin, [train, valid], seqLenOf(said.model, said.training))) {
        console.error(line);
      }
    }
  }
  if (parent && drawsAsBefore(parent, config)) {
    console.error(`warning: the data and --seed are the same as that run's, so each step sees what it saw then`);
  }
  if (parent && config.training.zeroInitOutputs) {
    console.error(`warning: --zero-init-outputs has no effect with --from: the weights are that run's`);
  }
  const noAdapterFile = whyNoAdapterFile(config);
  if (noAdapterFile !== undefined) console.error(`warning: the run gets no file for PEFT: ${noAdapterFile}`);
  for (const warning of configWarnings(merged, valid !== undefined)) console.error(`warning: ${warning}`);
  return await follow({ backend, directory: out, config, train, valid, tokenizer }, flags);
}

async function resume(flags: TrainFlags, directory: string): Promise<number> {
  requireResumeFlags(flags);
  await requireDirectory(directory, RUN_ENTRIES);
  const { checkpoint, damaged } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  for (const { problem } of damaged) console.error(`warning: ${problem}`);
  // The checkpoint knows the whole configuration, should the file be gone.
  const isThere = checkpoint === undefined || await isFile(`${directory}/${RUN_FILES.config}`);
  const kept = isThere ? await readRunConfig(directory) : checkpoint.state.config;
  const before = { ...kept, model: requireTransformer(directory, kept.model) };
  if (checkpoint) requireSameConfig(directory, before, checkpoint);
  if (!isThere) {
    await keepConfig(directory, before);
    console.error(
      `warning: ${directory} had no ${RUN_FILES.config}; it was restored from the newest checkpoint`,
    );
  }
  const changed = changedByFlags(flags, before, checkpoint);
  const isChat = requireKindOf(directory, changed.data.train, flags);
  const { steps } = changed.training;
  if (checkpoint && hasTakenAll(checkpoint, changed) && await isFile(`${directory}/${RUN_FILES.weights}`)) {
    // One that was killed after its weights were written has none.
    if (!await isFile(`${directory}/${REPORT_FILE}`)) {
      await tryToWriteReport([directory], `${directory}/${REPORT_FILE}`);
    }
    console.log(`${describeTaken(changed, checkpoint)}. The weights are in ${directory}`);
    return 0;
  }
  const { data } = changed;
  const trainPath = (isChat ? flags.sft : flags.train) ?? data.train.name;
  const validPath = (isChat ? flags["sft-valid"] : flags.valid) ?? data.valid?.name;
  for (const path of [trainPath, validPath]) if (path !== undefined) await requireInputFile(path);
  const chat = isChat ? await chatFormOf(directory, await loadRunTokenizer(directory)) : undefined;
  const open = (path: string) => chat ? openChat(path, chat, changed.model.contextLength) : openChecked(path, changed);
  using train = await open(trainPath);
  await requireSameData(train, data.train);
  using valid = validPath === undefined ? undefined : await open(validPath);
  requireOneTokenizer([train, valid]);
  if (valid && data.valid) await requireSameData(valid, data.valid);
  const isNew = valid !== undefined && data.valid === undefined;
  const config = isNew ? { ...changed, data: { ...data, valid: await absoluteRecord(valid) } } : changed;
  const tokenizer = config.training.sampleEvery ? await loadRunTokenizer(directory) : undefined;
  await using backend = await startBackend(flags.backend ?? backendChoice(config.backend), {
    precision: config.training.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  await requireRoom(backend, config, roomFor(backend, valid));
  const missing = await missingSteps(directory, checkpoint?.state.step ?? 0);
  if (missing !== undefined) console.error(`warning: ${missing}`);
  for (const change of describeChanges(before, config)) console.error(change);
  if (!flags.quiet) console.error(`Continuing after step ${checkpoint?.state.step ?? 0} of ${steps}`);
  // A run that was killed before its first checkpoint begins anew; weights are not given up for that.
  const beginAnew = checkpoint === undefined && !await isFile(`${directory}/${RUN_FILES.weights}`);
  return await follow({ backend, directory, config, train, valid, tokenizer, checkpoint, beginAnew }, flags);
}

/** Trains to the end or to an interruption, and says how it went. Returns the exit code. */
async function follow(
  run: Pick<Parameters<typeof trainRun>[0], "backend" | "directory" | "train" | "valid" | "tokenizer"> & {
    config: RunConfig<ModelConfig>;
    checkpoint?: Checkpoint;
    beginAnew?: boolean;
  },
  { quiet, verbose }: Pick<TrainFlags, "quiet" | "verbose">,
): Promise<number> {
  const { backend, directory, config } = run;
  const { model, training } = config;
  let { steps } = training;
  const predicted = predictRun(model, training);
  if (!quiet) {
    const columns = columnsOfStderr();
    const tokens = `${formatCount(run.train.length)} tokens; `;
    console.error(describeConfig(config, predicted, columns));
    console.error(fitLine([`${tokens}${backend.name}: ${backend.description}`], columns));
  }
  if (verbose) console.error(formatPrediction(predicted));
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
  // However the run ended, it gets a report: one that diverged needs looking at most.
  const followed = await untilInterrupted((signal) =>
    followSteps(
      trainRun({ ...run, signal: interruption = signal, onPrograms, onLength: (now) => steps = now }),
      config,
      { mfu, memory },
      signal,
      quiet,
      () => steps,
    )
  ).catch(async (error) => {
    if (error instanceof DivergenceError) {
      const newest = (await listCheckpoints(`${directory}/${RUN_FILES.checkpoints}`)).at(-1);
      throw newest === undefined
        ? error
        : new UserError(say`${wordingOf(error)}. The newest checkpoint is kept: ${newest}`);
    }
    if (!isFileSystemError(error)) throw error;
    throw new UserError(`${messageOf(error)}; then continue with: deno task train-lm --resume ${shellPath(directory)}`);
  }).finally(() => tryToWriteReport([directory], `${directory}/${REPORT_FILE}`));
  if (followed === undefined) {
    console.log(`${describeTaken(config, run.checkpoint)}. The weights are in ${directory}`);
    return 0;
  }
  const { last, tokensPerSecond } = followed;
  console.log(await describeEnd({ directory, config: { ...config, training: { ...training, steps } }, ...followed }));
  // Other programs may have slowed the first measurement down: the better of two is nearer to the limit.
  peak.measure(await measurePeak(backend));
  const { flopsPerSecond } = peak;
  const measured = measureTraining({
    program: asOneProgram(programs),
    parameters: parameterSpecs(model).reduce((sum, spec) => sum + sizeOf(spec), 0),
    tokensPerStep: training.batchSize * training.gradAccumulation * seqLenOf(model, training),
    tokensPerSecond,
    peak: flopsPerSecond,
  });
  const isOver = last.step + 1 === steps || last.stoppedEarly === true;
  if (verbose) {
    console.log(
      `${formatMeasurement(predicted, measured)}\n` +
        `MFU is the share of ${formatSi(flopsPerSecond, "FLOP/s")}: ${peak.source}`,
    );
  } else if (!quiet) console.log(formatSpeed(measured));
  const learnedToAnswer = config.data.train.examples !== undefined;
  if (!quiet || !isOver) console.log(await describeNext(directory, last, { isOver, learnedToAnswer }));
  return isOver ? 0 : exitCodeOf(interruption);
}

if (import.meta.main) await runProgram(main);
