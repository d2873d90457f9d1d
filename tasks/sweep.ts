/**
 * Trains with several settings, one after another, and compares them.
 *
 *   deno task sweep --train train.npy --valid valid.npy --tokenizer TOKENIZER --out SWEEP --lr 1e-3,3e-3,1e-2
 */
import { predictTraining } from "../lib/accounting/training_summary.ts";
import { formatBinary } from "../lib/accounting/units.ts";
import { formatTable } from "../lib/accounting/table.ts";
import type { Precision } from "../lib/graph/graph.ts";
import type { Backend } from "../lib/backend/backend.ts";
import { requireOneTokenizer } from "../lib/dataset/tokenizer_id.ts";
import { measurePeak, Peak } from "../lib/measure/peak.ts";
import { configWarnings } from "../lib/run/config_warnings.ts";
import { mergeConfigs, readConfigFile } from "../lib/run/merge_config.ts";
import { requireRoom } from "../lib/run/require_room.ts";
import { samplesWith } from "../lib/train/sampler.ts";
import { sweep, type SweepRun } from "../lib/run/sweep.ts";
import { sweepGrid } from "../lib/run/sweep_grid.ts";
import { bestResult, SWEEP_FILES, type SweepResult, sweepTable } from "../lib/run/sweep_results.ts";
import { moreLike, startBackend } from "./cli/backend.ts";
import { requireInputFile } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { exitCodeOf, untilInterrupted } from "./cli/interrupt.ts";
import { roomFor } from "./cli/machine_memory.ts";
import { requireOutputName, requireSeparatePaths } from "./cli/output.ts";
import { inCommandLine } from "./cli/errors.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { openTokenizer } from "./cli/tokenizer.ts";
import { sweepTitle } from "./report/report_subject.ts";
import { REPORT_FILE, tryToWriteReport } from "./report/write_report.ts";
import { axesOf, FLAGS, HELP, trainFlagsOf } from "./sweep/flags.ts";
import { configParts } from "./train_lm/flags.ts";
import { followSteps } from "./train_lm/follow.ts";
import { absoluteRecord, openChecked } from "./train_lm/tokens.ts";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "sweep", help: HELP, flags: FLAGS }, args, start);
}

async function start(flags: Flags<typeof FLAGS>): Promise<number> {
  const axes = axesOf(flags, (text) => console.error(`warning: ${text}`));
  const points = inCommandLine(() => sweepGrid(axes)).map((point) => ({
    point,
    flags: trainFlagsOf(flags, point),
  }));
  const { valid: validPath, config: configPath, tokenizer: tokenizerPath, backend, pattern } = points[0].flags;
  const trainPath = flags.train;
  requireOutputName(flags.out);
  for (const path of [trainPath, validPath, configPath]) if (path !== undefined) await requireInputFile(path);
  const inputs = [trainPath, validPath, configPath, tokenizerPath].filter((path) => path !== undefined);
  await requireSeparatePaths([flags.out], inputs);
  const tokenizer = tokenizerPath === undefined ? undefined : await openTokenizer(tokenizerPath, pattern);
  const fromFile = configPath === undefined ? [] : [await readConfigFile(configPath, tokenizer?.vocabSize)];
  const merged = inCommandLine(() =>
    points.map(({ flags }) => mergeConfigs([...fromFile, configParts(flags)], tokenizer?.vocabSize))
  );
  for (const { training } of merged) inCommandLine(() => samplesWith(training, tokenizer));
  const warnings = merged.flatMap((config) => configWarnings(config, validPath !== undefined));
  for (const warning of new Set(warnings)) console.error(`warning: ${warning}`);
  const strictest = {
    model: {
      ...merged[0].model,
      contextLength: Math.max(...merged.map(({ model }) => model.contextLength)),
      vocabSize: Math.min(...merged.map(({ model }) => model.vocabSize)),
    },
  };
  const named = tokenizer && { tokenizer, path: tokenizerPath! };
  using train = await openChecked(trainPath, strictest, named);
  using valid = validPath === undefined ? undefined : await openChecked(validPath, strictest, named);
  requireOneTokenizer([train, valid]);
  const { name, createBackend, peak } = await probe(
    backend ?? "auto",
    merged.map(({ training }) => training.dtype).find((dtype) => dtype !== "f32") ?? "f32",
    async (backend) => {
      for (const config of merged) await requireRoom(backend, config, roomFor(backend, valid));
    },
  );
  const data = { train: await absoluteRecord(train), ...(valid && { valid: await absoluteRecord(valid) }) };
  const runs = points.map(({ point }, i): SweepRun => ({ ...point, config: { ...merged[i], data, backend: name } }));

  let interruption: AbortSignal | undefined;
  const results = await untilInterrupted((signal) =>
    sweep({
      directory: flags.out,
      runs,
      train,
      valid,
      tokenizer,
      createBackend,
      follow: async (steps, { run, step }) => {
        const at = `${1 + runs.indexOf(run)} of ${runs.length}`;
        console.error(`${run.name} (${at})${step > 0 ? `, continuing after step ${step}` : ""}`);
        const { forwardFlops } = predictTraining(run.config.model, run.config.training);
        const mfu = (tokensPerSecond: number) => peak.share(3 * forwardFlops * tokensPerSecond);
        await followSteps(steps, run.config, { mfu, memory: () => formatBinary(Deno.memoryUsage().rss) }, signal);
      },
      onWarning: (warning) => console.error(`warning: ${warning}`),
      onResults: (results) => report(flags.out, results),
      signal: interruption = signal,
    })
  );
  await report(flags.out, results);
  const [header, ...rows] = sweepTable(results);
  console.log(formatTable(header.map((name) => HEADINGS[name] ?? name), rows));
  for (const { name, problem } of results) if (problem !== undefined) console.log(`${name} diverged: ${problem}`);
  const best = bestResult(results);
  if (best) console.log(`Best: ${flags.out}/${best.name}`);
  const left = results.filter(({ status }) => status === "waiting" || status === "stopped");
  if (left.length > 0) {
    const names = left.map(({ name, status, steps }) => status === "stopped" ? `${name} (after step ${steps})` : name);
    console.log(`Still to do: ${names.join(", ")}. Run the same command to continue`);
  }
  console.log(`Written to ${flags.out}: ${SWEEP_FILES.table}, ${SWEEP_FILES.json}, ${REPORT_FILE}`);
  return left.length > 0 ? exitCodeOf(interruption) : 0;
}

/** The long names of columns, as they fit a terminal. */
const HEADINGS: Readonly<Record<string, string>> = { validLoss: "valid", lowestValidLoss: "lowest" };

/** Which backend the runs get, checked once, and the device's peak. */
async function probe(
  choice: Parameters<typeof startBackend>[0],
  precision: Precision,
  check: (backend: Backend) => Promise<void>,
) {
  await using backend = await startBackend(choice, { precision, tuned: true });
  await check(backend);
  return { name: backend.name, createBackend: moreLike(backend), peak: new Peak(await measurePeak(backend)) };
}

/** Lays the courses of all runs that have one over each other. */
async function report(out: string, results: readonly SweepResult[]): Promise<void> {
  // One that diverged at its first step has taken none, but has a course.
  const begun = results.filter(({ status, steps }) => steps > 0 || status === "diverged");
  if (begun.length === 0) return;
  const settings = new Map(begun.map((run) => [`${out}/${run.name}`, run.settings]));
  const title = sweepTitle(out, begun.length, results.length);
  await tryToWriteReport([...settings.keys()], `${out}/${REPORT_FILE}`, { title, settings });
}

if (import.meta.main) await runProgram(main);
