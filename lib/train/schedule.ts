/** The learning rate over the course of training. */
export interface CosineSchedule {
  /** The peak, reached when the warm-up ends. */
  readonly maxLr: number;
  /** The rate at the end of the cosine and after it. */
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

/**
 * What follows the warm-up: half a cosine, a constant, a straight line, or a constant and then a straight line (WSD).
 */
export type ScheduleName = "cosine" | "constant" | "linear" | "wsd";

/** The names of all schedules. */
export const SCHEDULES: readonly ScheduleName[] = ["cosine", "constant", "linear", "wsd"];

/** A schedule and its numbers, as a training configuration has them. */
export interface ScheduleOptions {
  /** What follows the warm-up. */
  readonly schedule: ScheduleName;
  /** The peak rate. */
  readonly lr: number;
  /** The final rate of a falling schedule. */
  readonly minLr: number;
  /** Steps over which the rate rises from 0 to `lr`. */
  readonly warmupSteps: number;
  /** For `wsd`: steps of the straight line at the end. */
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
