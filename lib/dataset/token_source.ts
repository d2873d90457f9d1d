/** A long row of token ids that can be read at any place without being loaded whole; an open .npy file is one. */
export interface TokenSource {
  /** What a person calls it: a file's path. */
  readonly name: string;
  /** Number of tokens. */
  readonly length: number;
  /** The ids at positions `start` (inclusive) to `end` (exclusive). */
  read(start: number, end: number): Promise<Uint16Array | Uint32Array>;
}

/** A token source over ids that are in memory already. */
export function tokensInMemory(ids: Iterable<number>, name = "tokens in memory"): TokenSource {
  const all = Uint32Array.from(ids);
  return { name, length: all.length, read: (start, end) => Promise.resolve(all.subarray(start, end)) };
}
