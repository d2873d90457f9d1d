import type { TokenSource } from "../dataset/token_source.ts";
import { openTokens } from "../dataset/sharded_tokens.ts";
import { UserError } from "../errors.ts";
import { isFile } from "../io/is_file.ts";
import { hasTakenAll, latestCheckpoint } from "./checkpoint.ts";
import { type DataRecord, recordOf, requireSameData } from "./data_record.ts";
import { type FreeSettings, withSettings } from "./free_settings.ts";
import { trainRun, type TrainRunOptions } from "./run.ts";
import { readRunConfig } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";
import { loadRunTokenizer } from "./run_tokenizer.ts";
import type { StepMetrics } from "../train/train.ts";

/**
 * Options for `resumeRun`. What is left out is found through the run's directory. `valid` may be given to a run that began
 * without.
 */
export interface ResumeRunOptions
  extends
    Pick<TrainRunOptions, "backend" | "directory" | "onPrograms" | "onLength" | "onCheckpoint" | "signal">,
    Partial<Pick<TrainRunOptions, "train" | "valid" | "tokenizer">> {
  /** Called with a sentence about each damaged checkpoint that is skipped for an older one. */
  readonly onNote?: (note: string) => void;
  /**
   * New values of settings that change no bit of the steps: of validation, samples and saving; and `steps`, as long as a
   * `constant` schedule, or the plateau of `wsd`, goes on.
   */
  readonly settings?: FreeSettings;
}

/**
 * Continues a run that was stopped or killed, from its newest complete checkpoint, with its own configuration and data.
 * The steps that follow are the same, bit for bit, as without the interruption (given the same backend and machine). A
 * run without a checkpoint starts again; one that has ended takes no step.
 *
 * @throws {OptionError} If a setting's value cannot work, or it decides the bits of steps.
 * @throws {UserError} If the directory is not a run, if all its checkpoints are damaged, or if its data have moved or
 *   changed; and as {@linkcode trainRun} does.
 * @throws {DivergenceError} As {@linkcode trainRun} does.
 *
 * @example A run that is stopped, and resumed
 * ```ts
 * import { createBackend, createRunDirectory, mergeConfigs, recordOf, resumeRun, trainRun } from "@bytelm/bytelm";
 * import { openTokens, trainBpe, writeNpy } from "@bytelm/bytelm";
 *
 * const place = await Deno.makeTempDir();
 * const text = "the cat sat on the mat. ".repeat(50);
 * const tokenizer = await trainBpe(text, { vocabSize: 265 });
 * await writeNpy(`${place}/train.npy`, tokenizer.encode(text));
 * using train = await openTokens(`${place}/train.npy`);
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const training = { steps: 9, batchSize: 4, saveEvery: 3 };
 * const merged = mergeConfigs([{ preset: "tiny", model: { contextLength: 16 }, training }], tokenizer.vocabSize);
 * const config = { ...merged, data: { train: await recordOf(train) }, backend: backend.name };
 * const directory = `${place}/run`;
 * await createRunDirectory(directory, config, tokenizer);
 *
 * const controller = new AbortController();
 * for await (const { step } of trainRun({ backend, directory, config, train, signal: controller.signal })) {
 *   if (step === 3) controller.abort();
 * }
 * for await (const { step, loss } of resumeRun({ backend, directory })) console.log(step, loss); // up to step 8
 * ```
 */
export async function* resumeRun(options: ResumeRunOptions): AsyncGenerator<StepMetrics, void, void> {
  const { onNote, settings = {}, ...own } = options;
  const { directory } = own;
  const { checkpoint, damaged } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  for (const { problem } of damaged) onNote?.(problem);
  // The checkpoint has the whole configuration, in case the file is gone.
  const isThere = checkpoint === undefined || await isFile(`${directory}/${RUN_FILES.config}`);
  const kept = withSettings(isThere ? await readRunConfig(directory) : checkpoint.state.config, settings);
  const hasWeights = await isFile(`${directory}/${RUN_FILES.weights}`);
  if (checkpoint && hasWeights && hasTakenAll(checkpoint, kept)) return;
  using opened = new DisposableStack();
  const train = await sourceOf("train", kept.data.train, own.train, opened);
  const valid = kept.data.valid ? await sourceOf("valid", kept.data.valid, own.valid, opened) : own.valid;
  const isNew = valid !== undefined && kept.data.valid === undefined;
  const config = isNew ? { ...kept, data: { ...kept.data, valid: await recordOf(valid) } } : kept;
  const tokenizer = own.tokenizer ?? (config.training.sampleEvery ? await loadRunTokenizer(directory) : undefined);
  // A run that was killed before its first checkpoint starts again, but not if weights would be lost.
  const beginAnew = checkpoint === undefined && !hasWeights;
  yield* trainRun({ ...own, config, train, valid, tokenizer, checkpoint, beginAnew });
}

/** The tokens given, or those of the file that the run began with; `opened` closes the latter. */
async function sourceOf(
  option: "train" | "valid",
  record: DataRecord,
  given: TokenSource | undefined,
  opened: DisposableStack,
): Promise<TokenSource> {
  const source = given ?? opened.use(await openRecorded(option, record));
  await requireSameData(source, record);
  return source;
}

async function openRecorded(option: string, { name, examples }: DataRecord): Promise<TokenSource & Disposable> {
  if (examples !== undefined) {
    throw new UserError(
      `Cannot resume with ${name}: got a run that began with examples, which are in no token file. Give them as ` +
        `{ ${option} }`,
    );
  }
  try {
    return await openTokens(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(
      `Cannot resume with ${name}: got no such file, must be the tokens that the run began with. Restore it, or give ` +
        `them as { ${option} }`,
    );
  }
}
