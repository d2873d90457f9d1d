// Collects token ids.

/** Token ids in memory that may be reused: whoever passes them says how long they are valid. */
export type IdsView = Uint16Array | Uint32Array;

/** Ids that can be appended and removed, stored in pieces, so that growing does not copy them. */
export class IdChunks {
  static readonly #CHUNK = 1 << 18;
  readonly #IdArray: typeof Uint16Array | typeof Uint32Array;
  readonly #full: IdsView[] = [];
  #open: IdsView;
  #used = 0;

  constructor(IdArray: typeof Uint16Array | typeof Uint32Array) {
    this.#IdArray = IdArray;
    this.#open = new IdArray(IdChunks.#CHUNK);
  }

  get length(): number {
    return this.#full.length * IdChunks.#CHUNK + this.#used;
  }

  /** The last id; there must be one. */
  get last(): number {
    return this.#used > 0 ? this.#open[this.#used - 1] : this.#full.at(-1)![IdChunks.#CHUNK - 1];
  }

  get chunks(): readonly IdsView[] {
    return [...this.#full, this.#open.subarray(0, this.#used)];
  }

  append(ids: Uint32Array): void {
    for (let done = 0; done < ids.length;) {
      if (this.#used === IdChunks.#CHUNK) {
        this.#full.push(this.#open);
        this.#open = new this.#IdArray(IdChunks.#CHUNK);
        this.#used = 0;
      }
      const count = Math.min(ids.length - done, IdChunks.#CHUNK - this.#used);
      this.#open.set(ids.subarray(done, done + count), this.#used);
      this.#used += count;
      done += count;
    }
  }

  /** Keeps the first `length` ids. */
  truncate(length: number): void {
    while (length < this.#full.length * IdChunks.#CHUNK) this.#open = this.#full.pop()!;
    this.#used = length - this.#full.length * IdChunks.#CHUNK;
  }
}
