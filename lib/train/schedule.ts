import { OptionError } from "../errors.ts";

/** The learning rate's course over training. */
export interface CosineSchedule {
  /** The peak, reached when the warm-up ends. */
  readonly maxLr: number;
  /** What remains after the last step of the cosine. */
  readonly minLr: number;
  /** Steps of linear warm-up from 0. */
  readonly warmupSteps: number;
  /** The step at which the cosine reaches `minLr`. */
  readonly cycleSteps: number;
}

/**
 * The learning rate at a step, counted from 0: linear from 0 to `maxLr` over the warm-up, then half a cosine down to
 * `minLr`, then constant.
 *
 * Source: Loshchilov & Hutter 2016, arXiv:1608.03983, with linear warm-up as in Touvron et al. 2023, arXiv:2302.13971.
 */
export function cosineLearningRate(step: number, { maxLr, minLr, warmupSteps, cycleSteps }: CosineSchedule): number {
  if (step < warmupSteps) return maxLr * step / warmupSteps;
  if (step >= cycleSteps) return minLr;
  const progress = (step - warmupSteps) / (cycleSteps - warmupSteps);
  return minLr + 0.5 * (1 + Math.cos(Math.PI * progress)) * (maxLr - minLr);
}

/** What follows the warm-up: half a cosine, no change, a straight line, or no change and then a straight line (WSD). */
export type ScheduleName = "cosine" | "constant" | "linear" | "wsd";

/** Every schedule's name. */
export const SCHEDULES: readonly ScheduleName[] = ["cosine", "constant", "linear", "wsd"];

/** A schedule and its numbers, as a training configuration has them. */
export interface ScheduleOptions {
  /** What follows the warm-up. */
  readonly schedule: ScheduleName;
  /** The peak. */
  readonly lr: number;
  /** Where a schedule that falls ends. */
  readonly minLr: number;
  /** Steps in which the rate rises from 0 to `lr`. */
  readonly warmupSteps: number;
  /** Of `wsd`: the length of the straight line at the end. */
  readonly decaySteps: number;
  /** Length of the run. */
  readonly steps: number;
}

/**
 * The learning rate at a step, counted from 0, after a linear warm-up from 0 to `lr`.
 * Source of warm-up, stable, decay: Hu et al. 2024, arXiv:2404.06395.
 */
export function learningRate(step: number, options: ScheduleOptions): number {
  const { schedule, lr, minLr, warmupSteps, decaySteps, steps } = options;
  if (schedule === "cosine") {
    return cosineLearningRate(step, { maxLr: lr, minLr, warmupSteps, cycleSteps: steps });
  }
  if (step < warmupSteps) return lr * step / warmupSteps;
  if (schedule === "constant") return lr;
  const start = schedule === "linear" ? warmupSteps : Math.max(warmupSteps, steps - decaySteps);
  if (step < start) return lr;
  if (step >= steps) return minLr;
  return lr + (minLr - lr) * (step - start) / (steps - start);
}

/** @throws {OptionError} If a step cannot be taken at this rate: a device computes with 32 bits, where a larger is infinite. */
export function requireRate(lr: number): void {
  if (lr >= 0 && Number.isFinite(Math.fround(lr))) return;
  throw new OptionError(`Cannot take a step: got learning rate ${lr}, must be a finite float32, 0 or more`);
}
