// What a report says about a run: its status, its results and its configuration.
import { seqLenOf } from "../../lib/train/config.ts";
import { formatBinary, formatCount, formatSi } from "../../lib/accounting/units.ts";
import { isTransformerConfig } from "../../lib/model/own_config.ts";
import { type Course, courseOf, divergenceOf, validationsSinceLowest } from "../../lib/run/course.ts";
import type { RunLog } from "../../lib/run/metrics_follower.ts";
import type { ReportRun } from "../../lib/report/report.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import type { RunRecord } from "../../lib/run/run_record.ts";
import { predictRun } from "../../lib/train/predict_model.ts";
import { formatSeconds } from "../cli/progress.ts";
import { shellPath } from "../cli/shell_word.ts";
import { startedAs } from "../cli/started_as.ts";
import { settingsInWords } from "./setting_words.ts";

/** What else is known of a run. */
export interface RunContext {
  /** Mean bytes of text in a token of its validation data. */
  readonly bytesPerToken?: number;
  /** The values of the settings that a sweep varies. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A run in a report. */
export function describeRun(directory: string, record: RunRecord, log: RunLog, context: RunContext = {}): ReportRun {
  const { config } = record;
  const course = courseOf(log.metrics);
  const status = statusOf(record, log, course);
  const remarks = remarksOf(record, log);
  const known = accounting(config);
  const { rows, main } = settingsInWords(config);
  const tokenizer = config.data.train.tokenizer?.sha256;
  return {
    ...context,
    name: directory.replace(/(?<=.)\/+$/, ""),
    metrics: log.metrics,
    summary: [[...progress(directory, record, status, course)].join(", "), ...remarks].join("; "),
    status,
    remarks,
    totalSteps: config.training.steps,
    results: results(config, course, context),
    facts: { ...known, ...rows },
    mainFacts: [...Object.keys(known), ...main],
    ...(tokenizer !== undefined && { tokenizer }),
  };
}

/** The run's status, in a few words. Steps are counted from 1, as everywhere on the page. */
function statusOf({ config: { training }, hasEnded }: RunRecord, log: RunLog, course?: Course): string {
  const divergence = divergenceOf(log);
  if (divergence) return `diverged at step ${formatCount(divergence.step + 1)}`;
  // If it has been given more patience since, it is not over.
  const isOver = validationsSinceLowest(log.metrics) >= (training.patience ?? Infinity);
  if (log.metrics.at(-1)?.stoppedEarly && isOver) return `stopped early: ${describePatience(training)}`;
  if (course !== undefined && course.steps >= training.steps) return "finished";
  // Its files do not tell whether a run is still going or was killed.
  return hasEnded ? "stopped" : course === undefined ? "not started" : "running, or killed";
}

function remarksOf({ edited }: RunRecord, log: RunLog): string[] {
  const divergence = divergenceOf(log);
  return [
    ...(divergence ? [divergence.problem] : []),
    ...(edited === undefined ? [] : [`config.json was edited since the run started: ${edited}`]),
  ];
}

/** Why early stopping ended a run. */
export function describePatience({ patience = 1 }: Pick<RunConfig["training"], "patience">): string {
  return `${patience} ${patience === 1 ? "validation" : "validations"} without a lower loss`;
}

function progress(directory: string, { config }: RunRecord, status: string, course?: Course): string[] {
  const total = config.training.steps;
  if (course === undefined) {
    const isDiverged = status.startsWith("diverged");
    return [`None of ${formatCount(total)} steps taken yet`, ...(isDiverged ? [status] : [])];
  }
  const { steps, seconds, firstLoss, lastLoss, validLoss, tokensPerSecond } = course;
  const left = formatSeconds((total - steps) * seconds / steps);
  const goOn = `${startedAs()} train-lm --resume ${shellPath(directory)}`;
  return [
    `${formatCount(steps)} of ${formatCount(total)} steps in ${formatSeconds(seconds)}`,
    status === "running, or killed"
      ? `about ${left} to go if it is still running (if it was killed, continue it: ${goOn})`
      : status === "stopped"
      ? `stopped (continue it: ${goOn})`
      : status,
    `loss ${firstLoss === undefined ? "" : `${firstLoss.toFixed(3)} → `}${lastLoss.toFixed(3)}`,
    ...(validLoss === undefined ? [] : [`validation loss ${validLoss.toFixed(3)}`]),
    `${formatCount(tokensPerSecond)} tokens/s`,
  ];
}

function results(
  config: RunConfig,
  course: Course | undefined,
  { bytesPerToken }: RunContext,
): Record<string, string> {
  if (course === undefined) return {};
  const { steps, seconds, firstLoss, lastLoss, validLoss, lowestValidLoss, lastOfBoth } = course;
  const loss = (nats: number) => `${nats.toFixed(4)} nats per token`;
  const validation = (nats: number) =>
    bytesPerToken === undefined
      ? loss(nats)
      : `${loss(nats)}, ${(nats / Math.LN2 / bytesPerToken).toFixed(4)} bits per byte`;
  return {
    "steps taken": formatCount(steps),
    ...seen(steps, config),
    time: formatSeconds(seconds),
    ...(firstLoss !== undefined && { "first training loss": loss(firstLoss) }),
    "last training loss": loss(lastLoss),
    ...(validLoss !== undefined && { "last validation loss": validation(validLoss) }),
    ...(lastOfBoth && { "last validation loss of the weights": validation(lastOfBoth.validLoss) }),
    ...(lastOfBoth && { "last validation loss of their average": validation(lastOfBoth.averageValidLoss) }),
    ...(lowestValidLoss !== undefined && { "lowest validation loss": validation(lowestValidLoss) }),
  };
}

/** How much was trained on: tokens, or, where they are parted into examples, those. */
function seen(steps: number, { model, training, data }: RunConfig): Record<string, string> {
  const { examples, tokens: all } = data.train;
  const [what, count, ofAll] = examples === undefined
    ? ["tokens seen", steps * tokensPerStep(model, training), all]
    : ["examples seen", steps * training.batchSize * training.gradAccumulation, examples];
  return { [what]: `${formatCount(count)} (${(count / ofAll).toPrecision(3)} epochs)` };
}

function tokensPerStep(model: RunConfig["model"], training: RunConfig["training"]): number {
  return training.batchSize * training.gradAccumulation * seqLenOf(model, training);
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
