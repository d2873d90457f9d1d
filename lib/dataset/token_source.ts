import type { TokenProvenance } from "./provenance.ts";

/** Which stretches of a token source belong together, and which of their tokens a model learns. */
export interface Examples {
  /** Where each example begins, in ascending order, and the source's length after the last. */
  readonly starts: Uint32Array;
  /** For each token of the source: 1 if a model is to predict it, else 0. */
  readonly counted: Uint8Array;
}

/** A long row of token ids that can be read at any position without loading it all, such as an open .npy file. */
export interface TokenSource {
  /** Its name: a file's path. */
  readonly name: string;
  /** Number of tokens. */
  readonly length: number;
  /** Where the ids come from, above all their tokenizer; absent if that was not recorded. */
  readonly provenance?: TokenProvenance;
  /**
   * The source is made of examples, such as conversations: each is read on its own, from its first token on. Without
   * them, it is one text, of which windows are read.
   */
  readonly examples?: Examples;
  /** The ids at positions `start` (inclusive) to `end` (exclusive). */
  read(start: number, end: number): Promise<Uint16Array | Uint32Array>;
}

/**
 * A token source for ids that are already in memory.
 *
 * @param provenance Where the ids come from, so that it can be checked that they are used with their tokenizer.
 * @throws {RangeError} If one of them is not a whole number from 0 to 2³² − 1.
 */
export function tokensInMemory(
  ids: Iterable<number>,
  name = "tokens in memory",
  provenance?: TokenProvenance,
): TokenSource {
  const all = checked(ids);
  return {
    name,
    length: all.length,
    ...(provenance && { provenance }),
    read: (start, end) => {
      if (start >= 0 && start <= end && end <= all.length) return Promise.resolve(all.slice(start, end));
      const problem = `got ${all.length} ids, must be within them`;
      return Promise.reject(new RangeError(`Cannot read ids ${start} to ${end} of ${name}: ${problem}`));
    },
  };
}

function checked(ids: Iterable<number>): Uint32Array {
  // These cannot hold anything else.
  if (ids instanceof Uint32Array || ids instanceof Uint16Array || ids instanceof Uint8Array) {
    return Uint32Array.from(ids);
  }
  const values = Array.from(ids);
  const wrong = values.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff));
  if (wrong < 0) return Uint32Array.from(values);
  throw new RangeError(
    `Cannot use token ids: got ${values[wrong]} at position ${wrong}, must be a whole number from 0 to 4294967295`,
  );
}
