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
