import type { RunLog } from "./metrics_follower.ts";
import { betterLoss, type StepMetrics } from "../train/step_metrics.ts";

/** A run's course, from its metrics. Losses are in nats per token; they may be NaN or infinite. */
export interface Course {
  /** Optimizer steps taken. */
  readonly steps: number;
  /** Time spent on them. */
  readonly seconds: number;
  /** Training loss of the first step; none if the log does not go back that far. */
  readonly firstLoss?: number;
  readonly lastLoss: number;
  /** Mean training loss of the last tenth of the steps. */
  readonly recentLoss: number;
  /**
   * The last validation loss, and the lowest finite one; where weights are averaged, of the better of them and their average,
   * which is the run's model.
   */
  readonly validLoss?: number;
  readonly lowestValidLoss?: number;
  /** Where weights are averaged: the last validation loss of the one and of the other. */
  readonly lastOfBoth?: Required<Pick<StepMetrics, "validLoss" | "averageValidLoss">>;
  readonly tokensPerSecond: number;
}

/** The course of a run; `undefined` if no step was logged. */
export function courseOf(metrics: readonly StepMetrics[]): Course | undefined {
  const last = metrics.at(-1);
  if (last === undefined) return undefined;
  const recent = metrics.slice(-Math.ceil(metrics.length / 10));
  const validLosses = validLossesOf(metrics);
  const { validLoss, averageValidLoss } = metrics.findLast(({ validLoss }) => validLoss !== undefined) ?? {};
  const lowestValidLoss = lowestOf(validLosses);
  return {
    steps: last.step + 1,
    seconds: last.seconds,
    ...(metrics[0].step === 0 && { firstLoss: metrics[0].loss }),
    lastLoss: last.loss,
    recentLoss: recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length,
    ...(validLosses.length > 0 && { validLoss: validLosses[validLosses.length - 1] }),
    ...(lowestValidLoss !== undefined && { lowestValidLoss }),
    ...(validLoss !== undefined && averageValidLoss !== undefined && { lastOfBoth: { validLoss, averageValidLoss } }),
    tokensPerSecond: last.tokensPerSecond,
  };
}

/** The loss of each validation, of the better of the weights and their average. */
function validLossesOf(metrics: readonly StepMetrics[]): number[] {
  return metrics.flatMap(({ validLoss, averageValidLoss }) =>
    validLoss === undefined ? [] : [betterLoss({ validLoss, averageValidLoss })]
  );
}

/** The lowest finite loss: NaN is not lower than any other. `undefined` if none is finite. */
export function lowestOf(losses: readonly number[]): number | undefined {
  const finite = losses.filter(Number.isFinite);
  return finite.length === 0 ? undefined : finite.reduce((a, b) => Math.min(a, b));
}

/** How many validations came after the one with the lowest loss, none of them lower. */
export function validationsSinceLowest(metrics: readonly StepMetrics[]): number {
  const losses = validLossesOf(metrics);
  const lowest = lowestOf(losses);
  return lowest === undefined ? 0 : losses.length - 1 - losses.indexOf(lowest);
}

/**
 * Where a run went wrong (steps count from 0), and what happened. It comes from the log, or, if the run went on all the
 * same, it is the first step whose loss is not finite.
 */
export function divergenceOf({ metrics, divergence }: RunLog): { step: number; problem: string } | undefined {
  for (const { step, loss, validLoss } of metrics) {
    if (!Number.isFinite(loss)) return { step, problem: `The loss was ${loss}` };
    if (validLoss !== undefined && !Number.isFinite(validLoss)) {
      return { step, problem: `The validation loss was ${validLoss}` };
    }
  }
  return divergence && { step: divergence.step, problem: divergence.diverged };
}
