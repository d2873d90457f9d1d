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

/**
 * A batch's weights.
 * @throws {OptionError} If there is not one for each target.
 */
export function requireWeights(what: string, { targets, weights }: Batch): Float32Array {
  if (weights?.length === targets.length) return weights;
  const got = weights === undefined ? "no weights" : `${weights.length} weights`;
  throw new OptionError(`Cannot ${what}: got ${got}, must be ${targets.length}: one for each target`);
}
