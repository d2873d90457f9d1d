import type { TokenProvenance } from "./provenance.ts";

/** A long row of token ids that can be read at any place without being loaded whole; an open .npy file is one. */
export interface TokenSource {
  /** What a person calls it: a file's path. */
  readonly name: string;
  /** Number of tokens. */
  readonly length: number;
  /** Where the ids come from, their tokenizer above all; absent where nobody wrote it down. */
  readonly provenance?: TokenProvenance;
  /** The ids at positions `start` (inclusive) to `end` (exclusive). */
  read(start: number, end: number): Promise<Uint16Array | Uint32Array>;
}

/**
 * A token source over ids that are in memory already.
 *
 * @param provenance Where the ids come from, if it is to be checked that they are used with their tokenizer.
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
  // What these hold cannot be anything else.
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
