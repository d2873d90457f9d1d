import type { StepMetrics } from "../train/train.ts";

/**
 * Estimates how long the rest of a run takes. It uses the mean pace since the run was started or resumed, including
 * validations, checkpoints and samples: with the momentary throughput, the estimate would jump.
 */
export class RemainingTime {
  readonly #tokensPerStep: number;
  /** The end of the first group of steps that were read back together, which includes compiling and warming up. */
  #origin: Pick<StepMetrics, "step" | "seconds"> | undefined;

  /** @param tokensPerStep The tokens of a step. */
  constructor(tokensPerStep: number) {
    this.#tokensPerStep = tokensPerStep;
  }

  /**
   * Seconds left after a step.
   * @param metrics Of each step, in order.
   * @param steps Of the whole run, as it stands: those of a run that fills a time change.
   */
  after(
    { step, seconds, tokensPerSecond }: Pick<StepMetrics, "step" | "seconds" | "tokensPerSecond">,
    steps: number,
  ): number {
    if (this.#origin === undefined || seconds === this.#origin.seconds) this.#origin = { step, seconds };
    const { step: from, seconds: since } = this.#origin;
    const secondsPerStep = step === from ? this.#tokensPerStep / tokensPerSecond : (seconds - since) / (step - from);
    return (steps - 1 - step) * secondsPerStep;
  }
}
