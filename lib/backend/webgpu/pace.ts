import type { Step } from "./steps.ts";

/** No submission should keep the device longer than this: drivers reset a GPU that seems to hang. */
const SUBMISSION_SECONDS = 0.5;

/** Work per second that any GPU is assumed to do until it has shown more; see `PlannedDispatch.work`. */
const SLOWEST_WORK_PER_SECOND = 2e11;

/**
 * Cuts programs into submissions by how fast the device has proved to be: one for a whole training step if it is fast,
 * several if a single one would run for long.
 */
export class Pace {
  #workPerSecond = SLOWEST_WORK_PER_SECOND;
  #pendingWork = 0;
  #pendingSince = 0;

  /** Groups steps so that no group should take much longer than SUBMISSION_SECONDS. */
  *cut(steps: readonly Step[]): Generator<readonly Step[]> {
    const budget = SUBMISSION_SECONDS * this.#workPerSecond;
    let first = 0;
    let work = 0;
    for (const [i, step] of steps.entries()) {
      if (i > first && work + step.work > budget) {
        yield steps.slice(first, i);
        [first, work] = [i, 0];
      }
      work += step.work;
    }
    if (first < steps.length) yield first === 0 ? steps : steps.slice(first);
  }

  /** Notes that steps were submitted to the device. */
  submitted(steps: readonly Step[]): void {
    if (this.#pendingWork === 0) this.#pendingSince = performance.now();
    for (const { work } of steps) this.#pendingWork += work;
  }

  /**
   * Notes that the host begins to wait for all that was submitted.
   * @returns Call it when the device is done. The time is an upper bound, so the speed is a lower one.
   */
  draining(): () => void {
    const [work, since] = [this.#pendingWork, this.#pendingSince];
    this.#pendingWork = 0;
    return () => {
      const seconds = (performance.now() - since) / 1000;
      if (seconds > 0) this.#workPerSecond = Math.max(this.#workPerSecond, work / seconds);
    };
  }
}
