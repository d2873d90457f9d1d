import type { Batch } from "../dataset/batches.ts";
import { OptionError } from "../errors.ts";

/**
 * Checks a batch's size, because a program takes batches of one size. It would see only a part of a larger one, and
 * with a smaller one, it would see what is left of the batch before.
 *
 * @param what The work, for the message.
 * @param expected How many ids, and targets, a batch must have.
 * @throws {OptionError} If it has more, or fewer.
 */
export function requireBatch(what: string, { ids, targets }: Batch, expected: number): void {
  if (ids.length === expected && targets.length === expected) return;
  throw new OptionError(
    `Cannot ${what}: got ${ids.length} ids and ${targets.length} targets, must be ${expected} of each: sequences times ` +
      `tokens in each, as the program was made for`,
  );
}
