/**
 * How many steps training submits to its device before it waits for their results. A host is done with a step long
 * before
 * a GPU is, and waiting for each one costs 11 ms in Deno. But submitted steps cannot be taken back, so a progress line,
 * a
 * pause or a divergence comes only after all of them.
 */
export class ReadBackPace {
  readonly #targetMs: number;
  readonly #most: number;
  #steps = 1;

  /**
   * @param targetMs How long the steps should take together; 0 to wait for each.
   * @param most The most steps.
   */
  constructor(targetMs: number, most: number) {
    this.#targetMs = targetMs;
    this.#most = most;
  }

  /** Steps until the next wait. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Notes how long some steps took, including the wait. The pace grows gradually, since the first step also warms up.
   */
  took(steps: number, ms: number): void {
    const wanted = Math.floor(steps * this.#targetMs / Math.max(ms, 1e-3));
    this.#steps = Math.max(1, Math.min(wanted, 4 * Math.max(steps, this.#steps), this.#most));
  }
}
