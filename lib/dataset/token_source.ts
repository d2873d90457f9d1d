import type { TokenProvenance } from "./provenance.ts";

/** A long row of token ids that can be read at any position without loading it all, such as an open .npy file. */
export interface TokenSource {
  /** Its name: a file's path. */
  readonly name: string;
  /** Number of tokens. */
  readonly length: number;
  /** Where the ids come from, above all their tokenizer; absent if that was not recorded. */
  readonly provenance?: TokenProvenance;
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
