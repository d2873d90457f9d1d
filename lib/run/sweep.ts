import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { requireOneTokenizer } from "../dataset/tokenizer_id.ts";
import { option, say, UserError } from "../errors.ts";
import { exists } from "../io/exists.ts";
import { lockDirectory } from "../io/lock.ts";
import { makeDirectory } from "../io/make_directory.ts";
import { withoutTemporaryNames } from "../io/temporary.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { latestCheckpoint } from "./checkpoint.ts";
import { DivergenceError } from "../train/divergence.ts";
import { readMetrics } from "./metrics_follower.ts";
import { missingSteps } from "./metrics_log.ts";
import { trainRun } from "./run.ts";
import { createRunDirectory, readRunConfig, RUN_FILES, type RunConfig } from "./run_directory.ts";
import { firstDifference, type SweepPoint } from "./sweep_grid.ts";
import { readResult, readResults, SWEEP_FILES, type SweepResult, writeResults } from "./sweep_results.ts";
import type { StepMetrics } from "../train/train.ts";

/** One run of a sweep. */
export interface SweepRun extends SweepPoint {
  /** What to train, and how. */
  readonly config: RunConfig<ModelConfig>;
}

/** A run that is about to be trained. */
export interface StartedRun {
  /** The run, with its place in the grid. */
  readonly run: SweepRun;
  /** Where it is kept. */
  readonly directory: string;
  /** What it runs on; disposed of when the run ends. */
  readonly backend: Backend;
  /** Steps taken earlier. */
  readonly step: number;
}

/** Options for `sweep`. */
export interface SweepOptions {
  /** Each run has a directory of its name in this one, which is made if it does not exist. */
  readonly directory: string;
  /** The runs, in the order in which they are trained; each name occurs once. */
  readonly runs: readonly SweepRun[];
  /** The tokens to train on. */
  readonly train: TokenSource;
  /** The tokens to validate with. Without them, runs are ranked by training loss. */
  readonly valid?: TokenSource;
  /** The tokenizer of the text; it is saved with each run. */
  readonly tokenizer?: Tokenizer;
  /** Makes the backend of a run; it is disposed of when the run ends. */
  readonly createBackend: (config: RunConfig) => Promise<Backend>;
  /** Consumes a run's steps, which is what trains it. Default: reads them and ignores them. */
  readonly follow?: (steps: AsyncIterable<StepMetrics>, started: StartedRun) => Promise<unknown>;
  /** Called with all results after each run. */
  readonly onResults?: (results: readonly SweepResult[]) => Promise<void> | void;
  /**
   * Called with what readers of the results should know: a run that is no longer part of the sweep, a log with gaps.
   */
  readonly onWarning?: (warning: string) => void;
  /** Stops after the current step, which is saved. */
  readonly signal?: AbortSignal;
}

/**
 * Trains runs one after another, and keeps their results in sweep.json and sweep.tsv. If called again, it continues
 * where it stopped: it skips finished and diverged runs, and resumes an interrupted one from its checkpoint. You may
 * add runs. A run that you leave out disappears from the results, but its directory stays.
 *
 * @returns The results of all runs, in their order.
 * @throws {UserError} Before anything is trained, if an existing run has a different configuration, the earlier sweep
 *   varied other settings, or the directory holds something else.
 */
export async function sweep(options: SweepOptions): Promise<SweepResult[]> {
  const { directory, runs, signal, onResults } = options;
  requireOneTokenizer([options.train, options.valid], options.tokenizer);
  for (const run of runs) await requireSameSettings(directory, run);
  await requireOwnDirectory(directory, runs);
  const earlier = await readResults(directory);
  requireSameAxes(directory, runs, earlier);
  const known = new Map(earlier.map((result) => [result.name, result]));
  const results: SweepResult[] = [];
  for (const run of runs) {
    const { name, settings } = run;
    const isThere = await exists(`${directory}/${name}`);
    results.push({ ...(isThere && known.get(name) || { status: "waiting", steps: 0 }), name, settings });
  }
  for (const name of known.keys()) {
    if (runs.some((run) => run.name === name) || !await exists(`${directory}/${name}`)) continue;
    options.onWarning?.(`${name} is no longer part of the sweep in ${directory}; its directory is kept`);
  }
  await makeDirectory(directory);
  using _lock = await lockDirectory(directory, "sweep into");
  await writeResults(directory, results);
  for (const [i, run] of runs.entries()) {
    if (["finished", "diverged"].includes(results[i].status)) continue;
    if (signal?.aborted) break;
    results[i] = await trainOne(options, run);
    await writeResults(directory, results);
    await onResults?.(results);
  }
  return results;
}

/** Trains a run from where it stands to its end, its divergence, or an interruption. */
async function trainOne({ directory: parent, follow = drain, ...options }: SweepOptions, run: SweepRun) {
  const { config } = run;
  const directory = `${parent}/${run.name}`;
  if (!await exists(directory)) await createRunDirectory(directory, config, options.tokenizer);
  const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  await using backend = await options.createBackend(config);
  const { train, valid, tokenizer, signal } = options;
  // A run that was killed before its first checkpoint starts again, but not if weights would be lost.
  const beginAnew = checkpoint === undefined && !await exists(`${directory}/${RUN_FILES.weights}`);
  const missing = checkpoint && await missingSteps(directory, checkpoint.state.step);
  if (missing !== undefined) options.onWarning?.(missing);
  const steps = trainRun({ backend, directory, config, train, valid, tokenizer, signal, checkpoint, beginAnew });
  try {
    await follow(steps, { run, directory, backend, step: checkpoint?.state.step ?? 0 });
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    return { ...await readResult(directory, run, "diverged"), problem: error.message };
  }
  const result = await readResult(directory, run, "finished");
  const isOver = result.steps >= config.training.steps || (await readMetrics(directory)).at(-1)?.stoppedEarly;
  return isOver ? result : { ...result, status: "stopped" as const };
}

async function drain(steps: AsyncIterable<StepMetrics>): Promise<void> {
  for await (const _ of steps);
}

function requireSameAxes(directory: string, [run]: readonly SweepPoint[], [earlier]: readonly SweepPoint[]): void {
  if (run === undefined || earlier === undefined) return;
  const [got, mustBe] = [run, earlier].map(({ settings }) => Object.keys(settings).join(", "));
  if (got === mustBe) return;
  throw new UserError(
    say`Cannot continue the sweep in ${directory}: got values of ${got}, must be of ${mustBe}, as when it began. Give the same settings lists, or another ${
      option("directory")
    }`,
  );
}

/** A sweep has its directory to itself: anything that is there must be its table or one of its runs. */
async function requireOwnDirectory(directory: string, runs: readonly SweepRun[]): Promise<void> {
  const names = await exists(directory) ? await Array.fromAsync(Deno.readDir(directory), ({ name }) => name) : [];
  const own = [SWEEP_FILES.json, ...runs.map(({ name }) => name)];
  // If it was killed while it wrote the first of these, that file is there under a temporary name.
  if (names.length === 0 || names.some((name) => own.includes(withoutTemporaryNames(name)))) return;
  throw new UserError(
    say`Cannot sweep into ${directory}: got a directory that holds something else (${
      names.sort()[0]
    }), must be a new one or a sweep's. Choose another ${option("directory")}`,
  );
}

async function requireSameSettings(parent: string, { name, config }: SweepRun): Promise<void> {
  const directory = `${parent}/${name}`;
  if (!await exists(directory)) return;
  const difference = firstDifference(config, await readRunConfig(directory));
  if (difference === undefined) return;
  throw new UserError(
    say`Cannot continue the sweep in ${parent}: ${difference} as in its run ${name}. Give the same settings, or another ${
      option("directory")
    }`,
  );
}
