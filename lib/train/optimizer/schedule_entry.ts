/** One number that an optimizer's update is told before each step. */
export interface ScheduleEntry {
  /**
   * What the host writes before update `t`, counted from 1.
   * @param lr The learning rate of this step.
   */
  value(lr: number, t: number): number;
  /**
   * For a number that counts updates: from 0 on, each makes it keep · number + add. Where steps may be skipped, only the
   * device knows how many updates there were, and works the number out by this.
   */
  readonly counts?: { readonly keep: number; readonly add: number };
}

/** The learning rate. */
export const LEARNING_RATE: ScheduleEntry = { value: (lr) => lr };

/** 1 − βᵗ, by which a running mean that began with 0 is to be divided. */
export function biasCorrection(beta: number): ScheduleEntry {
  return { value: (_lr, t) => 1 - beta ** t, counts: { keep: beta, add: 1 - beta } };
}
