import type { TrainingConfig } from "../train/config.ts";
import type { Length, Progress } from "../train/train.ts";
import { mayTakeSteps } from "./free_settings.ts";
import type { RunConfig } from "./run_directory.ts";
import { estimateSeconds, type RunCosts, stepsWithin } from "./time_budget.ts";

/** The share of a run's steps that a change of pace takes to be believed: what comes and goes is none. */
const BELIEVED_SHARE = 0.05;

/** A length is kept that is off by less than this share of the steps that are left. */
const TOLERANCE = 0.01;

/** A forward pass takes a third of a step's time: the backward pass has two matrix products for each of its own. */
const FORWARD_SHARE = 1 / 3;

/** The length of a run that is to fill a time; none for other runs. */
export function timedLengthOf({ training, given }: RunConfig, validates: boolean): TimedLength | undefined {
  const { timeBudget } = training;
  if (timeBudget === undefined) return undefined;
  return new TimedLength({ ...training, timeBudget }, {
    validates,
    keepsDecay: given?.includes("training.decaySteps") ?? false,
  });
}

/**
 * The length of a run that fills a given time, followed while it runs: what it is depends on how fast the machine is, and on
 * what else it does. It changes until the decay begins, and not after, so that the rates of the steps that were taken are
 * those of the final length: who trains with the run's last config.json takes the same steps.
 */
export class TimedLength {
  readonly #training: TrainingConfig;
  readonly #seconds: number;
  readonly #decayShare: number | undefined;
  readonly #believedSteps: number;
  #length: Length;
  #secondsPerStep: number | undefined;
  /** Where this process began, and what it spent on steps since. */
  #origin: { readonly taken: number; readonly seconds: number } | undefined;
  #stepSeconds = 0;
  /** A validation with the checkpoints beside it; a guess until there was one. */
  readonly #validationSteps: number;

  /**
   * @param training With a `timeBudget`.
   * @param options.validates Whether there is validation data.
   * @param options.keepsDecay Whether `decaySteps` was given, and so does not change with `steps`.
   */
  constructor(
    training: TrainingConfig & { readonly timeBudget: number },
    { validates, keepsDecay }: { readonly validates: boolean; readonly keepsDecay: boolean },
  ) {
    const { steps, decaySteps, timeBudget, validBatches, gradAccumulation, averageWeights } = training;
    this.#training = training;
    this.#seconds = timeBudget;
    this.#length = { steps, decaySteps };
    this.#decayShare = keepsDecay ? undefined : decaySteps / steps;
    this.#believedSteps = Math.max(1, BELIEVED_SHARE * steps);
    const models = averageWeights === undefined ? 1 : 2;
    this.#validationSteps = validates ? models * FORWARD_SHARE * validBatches / gradAccumulation : 0;
  }

  /** The length after some progress, of which there is one call for each stretch of steps. */
  after(progress: Progress): Length {
    const { taken, seconds, stretch, stretchSeconds } = progress;
    this.#origin ??= { taken: taken - stretch, seconds: seconds - stretchSeconds };
    this.#stepSeconds += stretchSeconds;
    const pace = stretchSeconds / stretch;
    // The first stretch compiles: no other will be like it.
    if (this.#origin.taken + stretch === taken) return this.#length;
    const weight = 1 - Math.exp(-stretch / this.#believedSteps);
    this.#secondsPerStep = this.#secondsPerStep === undefined
      ? pace
      : (1 - weight) * this.#secondsPerStep + weight * pace;
    const length = this.#lengthFor(progress, this.#secondsPerStep);
    const isOff = Math.abs(length.steps - this.#length.steps) > TOLERANCE * (this.#length.steps - taken);
    const [got, expected] = [length, this.#length].map((one) => ({ ...this.#training, ...one }));
    if (isOff && mayTakeSteps(got, expected, taken)) this.#length = length;
    return this.#length;
  }

  #lengthFor({ taken, seconds }: Progress, step: number): Length {
    const costs: RunCosts = {
      step,
      validation: this.#validationSeconds(taken, seconds, step),
      checkpoint: 0,
      sample: 0,
    };
    const spent = estimateSeconds(taken, costs, this.#training);
    const within = stepsWithin(this.#seconds - seconds + spent, costs, this.#training);
    const steps = Math.max(within, taken + 1);
    if (this.#decayShare === undefined) return { steps, decaySteps: this.#length.decaySteps };
    // Where the time is nearly up, the decay begins at once.
    return { steps, decaySteps: Math.min(Math.floor(this.#decayShare * steps), steps - taken) };
  }

  /** What there is besides steps, as if all of it came with the validations. */
  #validationSeconds(taken: number, seconds: number, step: number): number {
    const { taken: from, seconds: since } = this.#origin!;
    const { validEvery } = this.#training;
    const count = Math.floor(taken / validEvery) - Math.floor(from / validEvery);
    return count === 0 ? this.#validationSteps * step : Math.max(0, seconds - since - this.#stepSeconds) / count;
  }
}
