// The words that merges are learned from, as token ids, and where each pair of tokens occurs in them.
import type { WordCounts } from "./word_counts.ts";
import { PairTable } from "./pair_table.ts";
import type { TokenBytes } from "./token_bytes.ts";

/** Between words. */
export const BOUNDARY = -1;
/** Inside a token. */
export const INTERIOR = -2;

/**
 * All words lie in one array, a slot per byte and a `BOUNDARY` around each word. A token of n bytes that starts at slot p
 * has its id in the slots p and p + n - 1, so that its neighbours see it from either side; the slots between are `INTERIOR`.
 * A slot that holds the id of a token of several bytes thus starts it or ends it; which one follows from its bytes' number.
 */
export class WordSymbols {
  readonly slots: Int32Array;
  /** How often the word at each slot occurs is `weights[wordOf[slot]]`. */
  readonly wordOf: Uint32Array;
  readonly weights: Float64Array;

  /** @param byteIds Token id of each byte. */
  constructor(words: WordCounts, byteIds: ArrayLike<number>) {
    const { arena, offsets, counts } = words;
    let numSlots = 1;
    for (let word = 0; word < counts.length; word++) {
      const length = offsets[word + 1] - offsets[word];
      if (length >= 2) numSlots += length + 1;
    }
    this.slots = new Int32Array(numSlots);
    this.wordOf = new Uint32Array(numSlots);
    this.weights = counts;
    let slot = 0;
    this.slots[slot++] = BOUNDARY;
    for (let word = 0; word < counts.length; word++) {
      if (offsets[word + 1] - offsets[word] < 2) continue; // no pair in it
      this.wordOf.fill(word, slot, slot + offsets[word + 1] - offsets[word]);
      for (let at = offsets[word]; at < offsets[word + 1]; at++) this.slots[slot++] = byteIds[arena[at]];
      this.slots[slot++] = BOUNDARY;
    }
  }

  /** All pairs of neighbours that occur at least `floor` times, with their occurrences in the order of slots. */
  countPairs(tokens: TokenBytes, floor: number): CountedPairs {
    const { slots, wordOf, weights } = this;
    const all = new PairTable(1 << 16);
    let counts = new Float64Array(1 << 16), numOccurrences = new Uint32Array(1 << 16);
    const pairAt = new Int32Array(slots.length).fill(-1);
    for (let slot = 0; slot < slots.length;) {
      const left = slots[slot];
      const next = slot + (left < 0 ? 1 : tokens.byteLength(left));
      if (left >= 0 && slots[next] >= 0) {
        let pair = all.find(left, slots[next]);
        if (pair < 0) {
          pair = all.add(left, slots[next]);
          if (pair === counts.length) {
            counts = grow(counts, new Float64Array(pair * 2));
            numOccurrences = grow(numOccurrences, new Uint32Array(pair * 2));
          }
        }
        counts[pair] += weights[wordOf[slot]];
        numOccurrences[pair]++;
        pairAt[slot] = pair;
      }
      slot = next;
    }
    const kept = new CountedPairs();
    const cursors = new Int32Array(all.size).fill(-1);
    for (let pair = 0; pair < all.size; pair++) {
      if (counts[pair] < floor) continue;
      cursors[pair] = kept.addCounted(all.left[pair], all.right[pair], counts[pair], numOccurrences[pair]);
    }
    const { occurrences } = kept;
    for (let slot = 0; slot < slots.length; slot++) {
      const pair = pairAt[slot];
      if (pair >= 0 && cursors[pair] >= 0) occurrences[cursors[pair]++] = slot;
    }
    return kept;
  }
}

/** Pairs with their counts, and the slots where their left token started when they were added. */
export class CountedPairs extends PairTable {
  counts: Float64Array = new Float64Array(1024);
  /** Pair `i` was at `occurrences[starts[i]..ends[i])`; some may be gone since. */
  occurrences: Int32Array = new Int32Array(1024);
  starts: Uint32Array = new Uint32Array(1024);
  ends: Uint32Array = new Uint32Array(1024);
  #used = 0;

  /** Adds a pair; the caller fills in `numOccurrences` slots from the place returned on. */
  addCounted(left: number, right: number, count: number, numOccurrences: number): number {
    const pair = this.add(left, right);
    if (pair === this.counts.length) {
      this.counts = grow(this.counts, new Float64Array(pair * 2));
      this.starts = grow(this.starts, new Uint32Array(pair * 2));
      this.ends = grow(this.ends, new Uint32Array(pair * 2));
    }
    this.counts[pair] = count;
    const start = this.starts[pair] = this.#used;
    this.ends[pair] = this.#used += numOccurrences;
    if (this.#used > this.occurrences.length) {
      this.occurrences = grow(this.occurrences, new Int32Array(Math.max(this.#used, this.occurrences.length * 2)));
    }
    return start;
  }
}

function grow<T extends Int32Array | Uint32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
