import type { Batch } from "../dataset/batches.ts";
import { OptionError } from "../errors.ts";

/**
 * A program takes batches of one size: of a larger one it would see a part, and of a smaller one leave what the batch
 * before wrote.
 *
 * @param what What is about to be done, in words.
 * @param expected The ids, and targets, that a batch must have.
 * @throws {OptionError} If it has more, or fewer.
 */
export function requireBatch(what: string, { ids, targets }: Batch, expected: number): void {
  if (ids.length === expected && targets.length === expected) return;
  throw new OptionError(
    `Cannot ${what}: got ${ids.length} ids and ${targets.length} targets, must be ${expected} of each: sequences times ` +
      `tokens in each, as the program was made for`,
  );
}
