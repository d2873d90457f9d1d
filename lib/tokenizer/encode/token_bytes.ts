// The bytes of every token, in one array.

/** The bytes of tokens, by id. Ids may have gaps: a missing token has no bytes. */
export class TokenBytes {
  /** Token `id` is `arena[starts[id]..ends[id])`. */
  arena: Uint8Array;
  /** Where each token begins in `arena`. */
  starts: Uint32Array;
  /** Where each token ends in `arena`; 0 if there is no such token. */
  ends: Uint32Array;
  #used = 0;
  #size = 0;

  /** The same tokens, from arrays that may come from another thread. */
  static from({ arena, starts, ends }: Pick<TokenBytes, "arena" | "starts" | "ends">): TokenBytes {
    const tokens = new TokenBytes(0);
    Object.assign(tokens, { arena, starts, ends });
    tokens.#used = arena.length;
    tokens.#size = ends.findLastIndex((end) => end > 0) + 1;
    return tokens;
  }

  /** No tokens yet, with room for this many; it grows as needed. */
  constructor(capacity = 1024) {
    this.arena = new Uint8Array(capacity * 8);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  /** One more than the highest id. */
  get size(): number {
    return this.#size;
  }

  /** The length of a token in bytes; 0 if there is none with this id. */
  byteLength(id: number): number {
    return id < this.#size ? this.ends[id] - this.starts[id] : 0;
  }

  /** The bytes of a token: a view, not a copy. */
  get(id: number): Uint8Array {
    return this.arena.subarray(this.starts[id], this.ends[id]);
  }

  /** Sets the bytes of a token. */
  set(id: number, bytes: Uint8Array): void {
    const start = this.#reserve(id, bytes.length);
    this.arena.set(bytes, start);
  }

  /** Sets a token's bytes to those of two others, one after the other. */
  setMerged(id: number, left: number, right: number): void {
    const leftBytes = this.byteLength(left);
    const start = this.#reserve(id, leftBytes + this.byteLength(right));
    this.arena.copyWithin(start, this.starts[left], this.ends[left]);
    this.arena.copyWithin(start + leftBytes, this.starts[right], this.ends[right]);
  }

  /** Whether a token's bytes are those of two others, one after the other. */
  isMerged(id: number, left: number, right: number): boolean {
    const leftBytes = this.byteLength(left), rightBytes = this.byteLength(right);
    if (!(id >= 0) || this.byteLength(id) !== leftBytes + rightBytes) return false;
    const { arena, starts } = this;
    for (let i = 0; i < leftBytes; i++) if (arena[starts[id] + i] !== arena[starts[left] + i]) return false;
    for (let i = 0; i < rightBytes; i++) {
      if (arena[starts[id] + leftBytes + i] !== arena[starts[right] + i]) return false;
    }
    return true;
  }

  /** Byte order of two tokens, as of unsigned bytes: negative, zero or positive; a prefix comes before what it begins. */
  compare(a: number, b: number): number {
    const { arena, ends } = this;
    let i = this.starts[a], j = this.starts[b];
    while (i < ends[a] && j < ends[b]) {
      if (arena[i] !== arena[j]) return arena[i] - arena[j];
      i++;
      j++;
    }
    return (ends[a] - i) - (ends[b] - j);
  }

  #reserve(id: number, length: number): number {
    if (id >= this.starts.length) {
      const capacity = Math.max(id + 1, this.starts.length * 2);
      this.starts = copyInto(new Uint32Array(capacity), this.starts);
      this.ends = copyInto(new Uint32Array(capacity), this.ends);
    }
    const start = this.#used;
    this.#used += length;
    if (this.#used > this.arena.length) {
      this.arena = copyInto(new Uint8Array(Math.max(this.#used, this.arena.length * 2)), this.arena);
    }
    this.starts[id] = start;
    this.ends[id] = this.#used;
    this.#size = Math.max(this.#size, id + 1);
    return start;
  }
}

function copyInto<T extends Uint8Array | Uint32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
