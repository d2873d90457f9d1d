// Ids on their way to one array.
import type { IdsView } from "./id_chunks.ts";

type IdArray = typeof Uint16Array | typeof Uint32Array;

/** The most ids in one piece of a list. */
const MAX_PIECE = 1 << 18;

/**
 * Pieces that are needed no more: memory that has been written before is faster than new memory. They are held weakly, so
 * that they are freed like anything else that nobody uses.
 */
export class SparePieces {
  #pieces: WeakRef<IdsView[]> | undefined;

  /** One of them, if there is any. */
  take(): IdsView | undefined {
    return this.#pieces?.deref()?.pop();
  }

  /** Adds some. */
  give(pieces: IdsView[]): void {
    const others = this.#pieces?.deref();
    if (others === undefined) this.#pieces = new WeakRef(pieces);
    else others.push(...pieces);
  }
}

/**
 * A growing list of ids, in pieces: a long one is copied once, when it is taken, and not each time that it grows. Pieces
 * are as narrow as the ids allow: that is half of the memory to write.
 */
export class IdBuffer {
  readonly #IdArray: IdArray;
  readonly #spare: SparePieces;
  /** Pieces, and how many ids are in each. */
  #full: IdsView[] = [];
  #counts: number[] = [];
  #open: IdsView;
  #used = 0;

  /** @param spare Pieces of arrays of this kind, for all lists that share them. */
  constructor(IdArray: IdArray, spare: SparePieces) {
    this.#IdArray = IdArray;
    this.#spare = spare;
    this.#open = new IdArray(256);
  }

  /** Adds ids, which fit the arrays. */
  append(ids: IdsView): void {
    if (this.#used + ids.length > this.#open.length) this.#makeRoom(ids.length);
    this.#open.set(ids, this.#used);
    this.#used += ids.length;
  }

  /** Removes all ids, and returns them in a new array. */
  take(): Uint32Array<ArrayBuffer> {
    const ids = new Uint32Array(this.#counts.reduce((sum, count) => sum + count, this.#used));
    let at = 0;
    for (const [i, piece] of this.#full.entries()) {
      ids.set(piece.subarray(0, this.#counts[i]), at);
      at += this.#counts[i];
    }
    ids.set(this.#open.subarray(0, this.#used), at);
    if (this.#full.length > 0) this.#spare.give(this.#full.filter(({ length }) => length === MAX_PIECE));
    this.#full = [];
    this.#counts = [];
    this.#used = 0;
    return ids;
  }

  #makeRoom(count: number): void {
    const length = this.#used + count;
    const size = Math.max(count, Math.min(MAX_PIECE, Math.max(length, this.#open.length * 2)));
    const open = (size === MAX_PIECE ? this.#spare.take() : undefined) ?? new this.#IdArray(size);
    if (length <= open.length) {
      open.set(this.#open.subarray(0, this.#used));
    } else {
      this.#full.push(this.#open);
      this.#counts.push(this.#used);
      this.#used = 0;
    }
    this.#open = open;
  }
}
