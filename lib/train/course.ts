import type { StepMetrics } from "./train.ts";

/** What a run's metrics say of its course. Losses are in nats per token; they may be NaN or infinite. */
export interface Course {
  /** Optimizer steps taken. */
  readonly steps: number;
  /** Time spent on them. */
  readonly seconds: number;
  /** Of step 0; none if the log does not go back so far. */
  readonly firstLoss?: number;
  readonly lastLoss: number;
  /** Mean training loss of the last tenth of the steps. */
  readonly recentLoss: number;
  /** The last validation loss, and the lowest that is a finite number. */
  readonly validLoss?: number;
  readonly lowestValidLoss?: number;
  readonly tokensPerSecond: number;
  /** Where the run went wrong, if it did. */
  readonly divergence?: Divergence;
}

/** The first step that is not as it must be, counted from 0, and what was NaN or infinite. */
export interface Divergence {
  readonly step: number;
  readonly what: string;
}

/** The course of a run; nothing if no step was logged. */
export function courseOf(metrics: readonly StepMetrics[]): Course | undefined {
  const last = metrics.at(-1);
  if (last === undefined) return undefined;
  const divergence = divergenceIn(metrics);
  const isTaken = last.diverged === undefined;
  const taken = isTaken ? metrics : metrics.slice(0, -1);
  const recent = taken.slice(-Math.ceil(taken.length / 10));
  const validLosses = metrics.flatMap(({ validLoss }) => validLoss === undefined ? [] : [validLoss]);
  const lowestValidLoss = lowestOf(validLosses);
  return {
    steps: isTaken ? last.step + 1 : last.step,
    seconds: last.seconds,
    ...(metrics[0].step === 0 && { firstLoss: metrics[0].loss }),
    lastLoss: last.loss,
    recentLoss: recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length,
    ...(validLosses.length > 0 && { validLoss: validLosses[validLosses.length - 1] }),
    ...(lowestValidLoss !== undefined && { lowestValidLoss }),
    tokensPerSecond: last.tokensPerSecond,
    ...(divergence && { divergence }),
  };
}

/** The lowest loss that is a finite number: no loss is lower than another for being NaN. Nothing if none is finite. */
export function lowestOf(losses: readonly number[]): number | undefined {
  const finite = losses.filter(Number.isFinite);
  return finite.length === 0 ? undefined : finite.reduce((a, b) => Math.min(a, b));
}

function divergenceIn(metrics: readonly StepMetrics[]): Divergence | undefined {
  for (const { step, loss, gradNorm, skipped, validLoss, diverged } of metrics) {
    if (diverged !== undefined) return { step, what: diverged };
    if (!Number.isFinite(loss)) return { step, what: "the loss" };
    if (!Number.isFinite(gradNorm) && !skipped) return { step, what: "the gradient norm" };
    if (validLoss !== undefined && !Number.isFinite(validLoss)) return { step, what: "the validation loss" };
  }
  return undefined;
}
