/**
 * How many steps a training hands to its device before it waits for their results. A host is done with a step long before
 * a GPU is, and waiting for every one costs 11 ms in Deno; but what was handed over cannot be taken back, so that a
 * progress line, a pause or a divergence is as late as all of it.
 */
export class ReadBackPace {
  readonly #targetMs: number;
  readonly #most: number;
  #steps = 1;

  /**
   * @param targetMs How long the steps should take together; 0 to wait for each.
   * @param most Steps at most.
   */
  constructor(targetMs: number, most: number) {
    this.#targetMs = targetMs;
    this.#most = most;
  }

  /** Steps until the next wait. */
  get steps(): number {
    return this.#steps;
  }

  /** Notes how long some steps took, the wait included. The pace grows by bounds, since the first step also warms up. */
  took(steps: number, ms: number): void {
    const wanted = Math.floor(steps * this.#targetMs / Math.max(ms, 1e-3));
    this.#steps = Math.max(1, Math.min(wanted, 4 * Math.max(steps, this.#steps), this.#most));
  }
}
