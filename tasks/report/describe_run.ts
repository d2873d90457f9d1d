// What a report says of a run in words: how it stands, what came of it, and its configuration.
import { formatBinary, formatCount, formatSi } from "../../lib/accounting/units.ts";
import { isTransformerConfig } from "../../lib/model/own_config.ts";
import { type Course, courseOf, divergenceOf } from "../../lib/run/course.ts";
import type { RunLog } from "../../lib/run/metrics_follower.ts";
import type { ReportRun } from "../../lib/report/report.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { describeOrigin } from "../../lib/run/origin_record.ts";
import type { RunRecord } from "../../lib/run/run_record.ts";
import { predictRun } from "../../lib/train/predict_model.ts";
import { formatSeconds } from "../cli/progress.ts";

/** A run in a report. */
export function describeRun(directory: string, record: RunRecord, log: RunLog): ReportRun {
  const { config } = record;
  const course = courseOf(log.metrics);
  return {
    name: directory.replace(/(?<=.)\/+$/, ""),
    metrics: log.metrics,
    summary: summary(record, log, course),
    facts: { ...results(config, course), ...accounting(config), ...settings(config) },
  };
}

/** Where the run stands, in one line. */
function summary({ config: { training }, edited, hasEnded }: RunRecord, log: RunLog, course?: Course): string {
  const divergence = divergenceOf(log);
  const remarks = [
    ...(divergence ? [divergence.problem] : []),
    ...(edited === undefined ? [] : [`config.json was edited since it began: ${edited}`]),
  ];
  const early = log.metrics.at(-1)?.stoppedEarly &&
    `stopped early: ${describePatience(training)}`;
  const end = divergence ? `diverged at step ${divergence.step} (counted from 0)` : early;
  return [[...progress(training.steps, hasEnded, course, end)].join(", "), ...remarks].join("; ");
}

/** Why early stopping ended a run. */
export function describePatience({ patience = 1 }: Pick<RunConfig["training"], "patience">): string {
  return `${patience} ${patience === 1 ? "validation" : "validations"} without a lower loss`;
}

/** @param end Where the run diverged or why it stopped early, in words. */
function progress(total: number, hasEnded: boolean, course?: Course, end?: string): string[] {
  if (course === undefined) {
    return [`No step of ${formatCount(total)} has been taken yet`, ...(end === undefined ? [] : [end])];
  }
  const { steps, seconds, firstLoss, lastLoss, validLoss, tokensPerSecond } = course;
  // Whether a run goes on or was killed, its files do not tell.
  const left = `about ${formatSeconds((total - steps) * seconds / steps)} to go if it still runs`;
  return [
    `${formatCount(steps)} of ${formatCount(total)} steps in ${formatSeconds(seconds)}`,
    end ?? (steps >= total ? "finished" : hasEnded ? "stopped" : left),
    `loss ${firstLoss === undefined ? "" : `${firstLoss.toFixed(3)} → `}${lastLoss.toFixed(3)}`,
    ...(validLoss === undefined ? [] : [`validation loss ${validLoss.toFixed(3)}`]),
    `${formatCount(tokensPerSecond)} tokens/s`,
  ];
}

function results({ model, training, data }: RunConfig, course: Course | undefined): Record<string, string> {
  if (course === undefined) return {};
  const { steps, seconds, firstLoss, lastLoss, validLoss, lowestValidLoss } = course;
  const tokens = steps * tokensPerStep(model, training);
  return {
    "steps taken": formatCount(steps),
    "tokens seen": `${formatCount(tokens)} (${(tokens / data.train.tokens).toPrecision(3)} epochs)`,
    time: formatSeconds(seconds),
    ...(firstLoss !== undefined && { "first training loss": firstLoss.toFixed(4) }),
    "last training loss": lastLoss.toFixed(4),
    ...(validLoss !== undefined && { "last validation loss": validLoss.toFixed(4) }),
    ...(lowestValidLoss !== undefined && { "lowest validation loss": lowestValidLoss.toFixed(4) }),
  };
}

function tokensPerStep({ contextLength }: RunConfig["model"], { batchSize, gradAccumulation }: RunConfig["training"]) {
  return batchSize * gradAccumulation * contextLength;
}

function accounting({ model, training }: RunConfig): Record<string, string> {
  // The formulas are a Transformer's.
  if (!isTransformerConfig(model)) return { "tokens per step": formatCount(tokensPerStep(model, training)) };
  const { parameters, memory, forwardFlops, backwardFlops } = predictRun(model, training);
  return {
    parameters: formatCount(parameters),
    "tokens per step": formatCount(tokensPerStep(model, training)),
    "predicted memory": formatBinary(memory.total),
    "predicted FLOPs per token": formatSi(forwardFlops + backwardFlops, "FLOP"),
  };
}

function settings({ model, training, from, data, backend }: RunConfig): Record<string, string> {
  const rows = (prefix: string, object: object) =>
    Object.entries(object).map(([key, value]): [string, string] => [`${prefix}.${key}`, formatSetting(value)]);
  const files = Object.entries(data).map(([part, { name, tokens }]): [string, string] => [
    `${part} data`,
    `${name} (${formatCount(tokens)} tokens)`,
  ]);
  const origin = from === undefined ? [] : [["started from", describeOrigin(from)]];
  return Object.fromEntries([
    ["backend", backend],
    ...origin,
    ...files,
    ...rows("model", model),
    ...rows("training", training),
  ]);
}

/** A fraction without what binary numbers add to it: 0.1 · 3e-3 is 3e-4. */
function formatSetting(value: unknown): string {
  const isFraction = typeof value === "number" && !Number.isInteger(value);
  return String(isFraction ? Number(value.toPrecision(12)) : value);
}
