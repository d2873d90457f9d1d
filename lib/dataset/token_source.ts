/** A long row of token ids that can be read at any place without being loaded whole. */
export interface TokenSource {
  /** What a person calls it: a file's path. */
  readonly name: string;
  /** Number of tokens. */
  readonly length: number;
  /** Copies `into.length` ids from `offset` on. */
  read(offset: number, into: Uint32Array): void;
}

/** A token source over ids that are in memory already. */
export function tokensInMemory(ids: ArrayLike<number> & Iterable<number>, name = "tokens in memory"): TokenSource {
  const all = Uint32Array.from(ids);
  return {
    name,
    length: all.length,
    read: (offset, into) => into.set(all.subarray(offset, offset + into.length)),
  };
}
