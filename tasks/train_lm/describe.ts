// What train-lm says of a run before it begins, and at its end.
import type { TrainingPrediction } from "../../lib/accounting/training_summary.ts";
import { formatAmount, formatBinary, formatCount } from "../../lib/accounting/units.ts";
import { isFile } from "../../lib/io/is_file.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import type { Checkpoint } from "../../lib/run/checkpoint.ts";
import { readFirstMetrics } from "../../lib/run/metrics_follower.ts";
import { RUN_FILES, type RunConfig } from "../../lib/run/run_directory.ts";
import { seqLenOf } from "../../lib/train/config.ts";
import { betterLoss, type StepMetrics } from "../../lib/train/step_metrics.ts";
import { describePatience } from "../report/describe_run.ts";
import { fitLine } from "../cli/columns.ts";
import { shellPath } from "../cli/shell_word.ts";
import { startedAs } from "../cli/started_as.ts";

/** A run's configuration in one line; config.json has all of it. */
export function describeConfig(
  { model, training }: Pick<RunConfig<ModelConfig>, "model" | "training">,
  { parameters, memory }: TrainingPrediction,
  columns: number,
): string {
  const { numLayers, dModel, contextLength, numHeads, vocabSize } = model;
  const { steps, batchSize, gradAccumulation, optimizer, lr, schedule, dtype, frozen = [], loraRank } = training;
  const tokens = batchSize * gradAccumulation * seqLenOf(model, training);
  return fitLine([
    `${formatAmount(parameters)} parameters (${numLayers} × ${dModel}, context ${contextLength})`,
    `${formatCount(steps)} × ${formatCount(tokens)} tokens`,
    formatBinary(memory.total),
    loraRank === undefined ? "" : `adapters of rank ${loraRank}`,
    frozen.length === 0 ? "" : `frozen: ${frozen.join(", ")}`,
    `${optimizer}, lr ${lr}, ${schedule}`,
    `${numHeads} heads`,
    `vocabulary ${formatCount(vocabSize)}`,
    dtype,
  ], columns);
}

/** That a run is over, before anything is done. */
export function describeTaken(
  { training: { steps } }: Pick<RunConfig, "training">,
  checkpoint: Checkpoint | undefined,
): string {
  const taken = checkpoint?.state.step ?? steps;
  if (taken === steps) return `All ${formatCount(steps)} steps have already been taken`;
  return `The run already stopped early, after ${formatCount(taken)} steps. To continue it, pass more --patience`;
}

/** How a run ended. */
export interface RunEnd {
  readonly directory: string;
  readonly config: RunConfig<ModelConfig>;
  readonly first: StepMetrics;
  readonly last: StepMetrics;
}

/** How a run went, in a line or two. */
export async function describeEnd({ directory, config, first, last }: RunEnd): Promise<string> {
  const { steps } = config.training;
  const taken = last.step + 1;
  const loss = `loss ${await describeFirstLoss(directory, first)} → ${last.loss.toFixed(3)}`;
  const where = `on ${config.backend}`;
  const valid = describeValidation(last);
  if (last.stoppedEarly) {
    const stopped = `Stopped early after ${taken} of ${steps} steps ${where}: ${describePatience(config.training)}`;
    return [stopped, `L${loss.slice(1)}`, ...valid].join("\n");
  }
  if (taken < steps) return `Stopped after ${taken} of ${steps} steps ${where}: ${loss}`;
  return [`Trained ${taken} ${taken === 1 ? "step" : "steps"} ${where}: ${loss}`, ...valid].join("\n");
}

/** The last validation; where weights are averaged, of both, and which of them the run's model is. */
function describeValidation({ validLoss, averageValidLoss }: StepMetrics): string[] {
  if (validLoss === undefined) return [];
  const loss = betterLoss({ validLoss, averageValidLoss });
  const line = `Validation loss ${loss.toFixed(3)} (perplexity ${Math.exp(loss).toFixed(1)})`;
  if (averageValidLoss === undefined) return [line];
  const isAverage = loss === averageValidLoss;
  const other = isAverage
    ? `the weights alone: ${validLoss.toFixed(3)}`
    : `their average: ${averageValidLoss.toFixed(3)}`;
  return [`${line} with ${isAverage ? "the average of the weights" : "the weights"}, which the run keeps; ${other}`];
}

/**
 * What to do next, a command or a path in each line.
 * @param learnedToAnswer Whether the run was trained on conversations.
 */
export async function describeNext(
  directory: string,
  last: Pick<StepMetrics, "stoppedEarly">,
  { isOver, learnedToAnswer }: { isOver: boolean; learnedToAnswer: boolean },
) {
  const path = (name: string) => shellPath(`${directory.replace(/(?<=.)\/+$/, "")}/${name}`);
  const run = shellPath(directory);
  const hasTokenizer = await isFile(`${directory}/tokenizer.json`);
  const which = last.stoppedEarly ? " --weights best" : "";
  const next = learnedToAnswer ? `Talk:        ${startedAs()} chat` : `Generate:    ${startedAs()} generate`;
  return [
    ...(isOver ? [] : [`Continue:    ${startedAs()} train-lm --resume ${run}`]),
    ...(isOver && hasTokenizer ? [`${next} --run ${run}${which}`] : []),
    ...(isOver && !hasTokenizer ? [`Weights:     ${path(RUN_FILES.weights)}`] : []),
    ...(await isFile(`${directory}/${RUN_FILES.report}`) ? [`Report:      ${path(RUN_FILES.report)}`] : []),
  ].join("\n");
}

/** The loss that the run began with, before it was resumed; where its log does not go back so far, says from which step. */
async function describeFirstLoss(directory: string, firstSeen: StepMetrics): Promise<string> {
  const { step, loss } = await readFirstMetrics(directory) ?? firstSeen;
  return step === 0 ? loss.toFixed(3) : `${loss.toFixed(3)} (after ${step} ${step === 1 ? "step" : "steps"})`;
}
