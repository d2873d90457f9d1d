// The learning rate of a run that fills a given time.
import type { TrainingConfig } from "../train/config.ts";
import type { ConfigParts, MergedConfig } from "./merge_config.ts";

/**
 * The share of a timed run's steps over which the learning rate falls to zero. A decay over a fifth is as good as a cosine,
 * and a longer one a little better, up to about two fifths (Hägele et al. 2024, arXiv:2405.18392).
 */
export const DECAY_SHARE = 0.3;

/** Whether the settings given have one of the training. */
const says = (parts: readonly ConfigParts[], key: keyof TrainingConfig) =>
  parts.some(({ training }) => training?.[key] !== undefined);

/**
 * What a timed run's schedule is where none is given: a constant rate and then a straight line to zero. Until the line
 * begins, no step depends on how many there will be, so the length can still follow the clock.
 *
 * Sources: Hägele et al. 2024, arXiv:2405.18392, for the constant rate; Bergsma et al. 2025, arXiv:2502.15938, for the line
 * to zero.
 */
export function scheduleForTime(parts: readonly ConfigParts[]): ConfigParts {
  return says(parts, "schedule") ? {} : { training: { schedule: "wsd", minLr: 0 } };
}

/** The settings of a run that was planned to fill a time with so many steps. */
export function timedTraining(
  { recipe, training: { schedule } }: MergedConfig,
  said: readonly ConfigParts[],
  steps: number,
  seconds: number,
): Partial<TrainingConfig> {
  // The modern recipe has a share of its own.
  const isOurs = recipe === undefined && !says(said, "schedule") && !says(said, "decaySteps");
  return {
    steps,
    ...(isOurs && { decaySteps: Math.floor(DECAY_SHARE * steps) }),
    // Of the others, every step's rate depends on how many there are.
    ...((schedule === "wsd" || schedule === "constant") && { timeBudget: seconds }),
  };
}
