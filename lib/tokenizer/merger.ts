// Applies merges to the bytes of one pre-token: the lowest-ranked pair first, leftmost of equals.
import { PairTable } from "./pair_table.ts";
import type { Vocabulary } from "./vocabulary.ts";

const NO_RANK = 0x7fffffff;
// Up to this many bytes a pre-token is searched for its best pair anew after each merge; beyond, a heap keeps them.
const MAX_SEARCHED = 64;

/** Encodes pre-tokens by merging. */
export class Merger {
  /** Number of a pair = rank of its merge. */
  readonly #pairs: PairTable;
  /** The token a merge makes, by rank. */
  readonly #merged: Uint32Array;
  readonly #byteIds = new Uint32Array(256);
  readonly #ranks = new Int32Array(MAX_SEARCHED);

  constructor(vocabulary: Vocabulary) {
    const { merges, tokens } = vocabulary;
    const numMerges = merges.length / 3;
    this.#pairs = new PairTable(numMerges);
    this.#merged = new Uint32Array(numMerges);
    for (let rank = 0; rank < numMerges; rank++) {
      this.#pairs.add(merges[rank * 3], merges[rank * 3 + 1]);
      this.#merged[rank] = merges[rank * 3 + 2];
    }
    const specials = new Set(vocabulary.specials.map(({ id }) => id));
    for (let id = 0; id < tokens.size; id++) {
      if (tokens.byteLength(id) === 1 && !specials.has(id)) this.#byteIds[tokens.get(id)[0]] = id;
    }
  }

  /** Writes the ids of `bytes[start..end)` to `ids[at…]`, which must have room for one per byte; returns their end. */
  merge(bytes: Uint8Array, start: number, end: number, ids: Uint32Array, at: number): number {
    const length = end - start;
    for (let i = 0; i < length; i++) ids[at + i] = this.#byteIds[bytes[start + i]];
    return at + (length <= MAX_SEARCHED ? this.#mergeShort(ids, at, length) : this.#mergeLong(ids, at, length));
  }

  #rank(left: number, right: number): number {
    const rank = this.#pairs.find(left, right);
    return rank < 0 ? NO_RANK : rank;
  }

  /** Merges `ids[at..at + length)` in place; returns how many ids are left. */
  #mergeShort(ids: Uint32Array, at: number, length: number): number {
    const ranks = this.#ranks; // ranks[i]: of the pair (i, i + 1)
    for (let i = 0; i + 1 < length; i++) ranks[i] = this.#rank(ids[at + i], ids[at + i + 1]);
    for (;;) {
      let best = NO_RANK, bestAt = -1;
      for (let i = 0; i + 1 < length; i++) {
        if (ranks[i] < best) best = ranks[bestAt = i];
      }
      if (bestAt < 0) return length;
      ids[at + bestAt] = this.#merged[best];
      ids.copyWithin(at + bestAt + 1, at + bestAt + 2, at + length);
      ranks.copyWithin(bestAt + 1, bestAt + 2, length - 1);
      length--;
      if (bestAt > 0) ranks[bestAt - 1] = this.#rank(ids[at + bestAt - 1], ids[at + bestAt]);
      if (bestAt + 1 < length) ranks[bestAt] = this.#rank(ids[at + bestAt], ids[at + bestAt + 1]);
    }
  }

  /** As `#mergeShort`, in O(n log n): a heap of (rank, position) over a linked list. */
  #mergeLong(ids: Uint32Array, at: number, length: number): number {
    const next = new Int32Array(length), previous = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    // The order of (rank, position), in one number: positions stay below 2^31, ranks below 2^22.
    const heap = new KeyHeap();
    const push = (i: number) => {
      if (i < 0 || next[i] >= length) return;
      const rank = this.#rank(ids[at + i], ids[at + next[i]]);
      if (rank !== NO_RANK) heap.push(rank * 2 ** 31 + i);
    };
    for (let i = 0; i < length; i++) push(i);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / 2 ** 31), i = key - rank * 2 ** 31;
      // The pair may be gone: its left token merged away (next < 0), or either of them changed.
      if (next[i] < 0 || next[i] >= length || this.#rank(ids[at + i], ids[at + next[i]]) !== rank) continue;
      const gone = next[i];
      ids[at + i] = this.#merged[rank];
      next[i] = next[gone];
      next[gone] = -1;
      if (next[i] < length) previous[next[i]] = i;
      push(previous[i]);
      push(i);
    }
    let count = 0;
    for (let i = 0; i < length; i = next[i]) ids[at + count++] = ids[at + i];
    return count;
  }
}

/** A min-heap of numbers. */
class KeyHeap {
  #keys = new Float64Array(1024);
  size = 0;

  push(key: number): void {
    if (this.size === this.#keys.length) {
      const keys = new Float64Array(this.size * 2);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const keys = this.#keys;
    const top = keys[0], key = keys[--this.size];
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= key) break;
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = key;
    return top;
  }
}
