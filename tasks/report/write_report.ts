// Report pages of runs on disk, with the plotting library that they carry.
import script from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import style from "uplot/dist/uPlot.min.css" with { type: "text" };
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { formatBinary, formatCount, formatSi } from "../../lib/accounting/units.ts";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { readMetrics } from "../../lib/train/metrics_log.ts";
import { reportHtml, type ReportRun } from "../../lib/train/report.ts";
import { readRunConfig, type RunConfig } from "../../lib/train/run_directory.ts";
import { formatSeconds } from "../cli/progress.ts";

/** The name of a run's own report. */
export const REPORT_FILE = "report.html";

/** Writes one page on some runs, complete in itself. */
export async function writeReport(directories: readonly string[], path: string): Promise<void> {
  const runs = await Promise.all(directories.map(readRun));
  await writeFileAtomically(path, reportHtml(runs, { script, style }));
}

async function readRun(directory: string): Promise<ReportRun> {
  const config = await readRunConfig(directory);
  const metrics = await readMetrics(directory);
  const name = directory.replace(/\/+$/, "");
  const last = metrics.at(-1);
  const losses = metrics.filter(({ validLoss }) => validLoss !== undefined).map(({ validLoss }) => validLoss!);
  const results = {
    ...(last && { "steps taken": formatCount(last.step + 1), time: formatSeconds(last.seconds) }),
    ...(last && { "last training loss": last.loss.toFixed(4) }),
    ...(losses.length > 0 && {
      "last validation loss": losses.at(-1)!.toFixed(4),
      "lowest validation loss": Math.min(...losses).toFixed(4),
    }),
  };
  return { name, metrics, facts: { ...results, ...accounting(config), ...settings(config) } };
}

function accounting({ model, training }: RunConfig): Record<string, string> {
  const { parameters, memory, forwardFlops, backwardFlops } = predictTraining(model, training);
  return {
    parameters: formatCount(parameters),
    "tokens per step": formatCount(training.batchSize * training.gradAccumulation * model.contextLength),
    "predicted memory": formatBinary(memory.total),
    "predicted FLOPs per token": formatSi(forwardFlops + backwardFlops, "FLOP"),
  };
}

function settings({ model, training, data, backend }: RunConfig): Record<string, string> {
  const rows = (prefix: string, object: object) =>
    Object.entries(object).map(([key, value]): [string, string] => [`${prefix}.${key}`, String(value)]);
  const files = Object.entries(data).map(([part, { name, tokens }]): [string, string] => [
    `${part} data`,
    `${name} (${formatCount(tokens)} tokens)`,
  ]);
  return Object.fromEntries([["backend", backend], ...files, ...rows("model", model), ...rows("training", training)]);
}
