// What a report says of a run in words: how it stands, what came of it, and its configuration.
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { formatBinary, formatCount, formatSi } from "../../lib/accounting/units.ts";
import type { ReportRun } from "../../lib/train/report.ts";
import type { RunConfig } from "../../lib/train/run_directory.ts";
import type { StepMetrics } from "../../lib/train/train.ts";
import { formatSeconds } from "../cli/progress.ts";

/** A run in a report. */
export function describeRun(directory: string, config: RunConfig, metrics: readonly StepMetrics[]): ReportRun {
  return {
    name: directory.replace(/(?<=.)\/+$/, ""),
    metrics,
    summary: summary(config, metrics),
    facts: { ...results(metrics), ...accounting(config), ...settings(config) },
  };
}

/** Where the run stands, in one line. */
function summary({ training }: RunConfig, metrics: readonly StepMetrics[]): string {
  const last = metrics.at(-1);
  if (last === undefined) return `No step of ${formatCount(training.steps)} has been taken yet`;
  const taken = last.step + 1;
  const validLoss = metrics.findLast(({ validLoss }) => validLoss !== undefined)?.validLoss;
  const left = formatSeconds((training.steps - taken) * last.seconds / taken);
  return [
    `${formatCount(taken)} of ${formatCount(training.steps)} steps in ${formatSeconds(last.seconds)}`,
    ...(taken < training.steps ? [`about ${left} to go`] : []),
    `loss ${last.loss.toFixed(3)}`,
    ...(validLoss === undefined ? [] : [`validation loss ${validLoss.toFixed(3)}`]),
    `${formatCount(last.tokensPerSecond)} tokens/s`,
  ].join(", ");
}

function results(metrics: readonly StepMetrics[]): Record<string, string> {
  const last = metrics.at(-1);
  if (last === undefined) return {};
  const losses = metrics.filter(({ validLoss }) => validLoss !== undefined).map(({ validLoss }) => validLoss!);
  return {
    "steps taken": formatCount(last.step + 1),
    time: formatSeconds(last.seconds),
    "last training loss": last.loss.toFixed(4),
    ...(losses.length > 0 && {
      "last validation loss": losses.at(-1)!.toFixed(4),
      "lowest validation loss": losses.reduce((a, b) => Math.min(a, b)).toFixed(4),
    }),
  };
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
    Object.entries(object).map(([key, value]): [string, string] => [`${prefix}.${key}`, formatSetting(value)]);
  const files = Object.entries(data).map(([part, { name, tokens }]): [string, string] => [
    `${part} data`,
    `${name} (${formatCount(tokens)} tokens)`,
  ]);
  return Object.fromEntries([["backend", backend], ...files, ...rows("model", model), ...rows("training", training)]);
}

/** A fraction without what binary numbers add to it: 0.1 · 3e-3 is 3e-4. */
function formatSetting(value: unknown): string {
  const isFraction = typeof value === "number" && !Number.isInteger(value);
  return String(isFraction ? Number(value.toPrecision(12)) : value);
}
