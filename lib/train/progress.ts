import type { ScheduleOptions } from "./schedule.ts";

/** How far a training is, and how fast it was of late. */
export interface Progress {
  /** Steps taken. */
  readonly taken: number;
  /** Time spent on the run, validations, samples and checkpoints included. */
  readonly seconds: number;
  /** Steps of the stretch since the last read-back. */
  readonly stretch: number;
  /** Time that this stretch took, without validations, samples and checkpoints. */
  readonly stretchSeconds: number;
}

/** How long a training is, and how long its decay. */
export type Length = Pick<ScheduleOptions, "steps" | "decaySteps">;
