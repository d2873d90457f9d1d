// The words that merges are learned from, as token ids, and where each pair of tokens occurs in them.
import type { WordCounts } from "./word_counts.ts";
import { PairTable } from "./pair_table.ts";
import type { TokenBytes } from "../encode/token_bytes.ts";

/** Between words. */
export const BOUNDARY = -1;
/** Inside a token. */
export const INTERIOR = -2;

/** Slots per block; the word that a slot is in is looked for from the first word of its block on. */
const BLOCK_SHIFT = 4;

/**
 * All words lie in one array, a slot per byte and a `BOUNDARY` around each word. A token of n bytes that starts at slot p
 * has its id in the slots p and p + n - 1, so that its neighbours see it from either side; the slots between are `INTERIOR`.
 * A slot that holds the id of a token of several bytes thus starts it or ends it; which one follows from its bytes' number.
 */
export class WordSymbols {
  readonly slots: Int32Array;
  /** The slot after each word, and how often the word occurs. */
  readonly #ends: Uint32Array;
  readonly #weights: Float64Array;
  /** The first word that ends in each block or after it. A number per slot would take as much memory as the slots. */
  readonly #firstWords: Uint32Array;

  /** @param byteIds Token id of each byte. */
  constructor(words: WordCounts, byteIds: ArrayLike<number>) {
    const { arena, offsets, counts } = words;
    let numSlots = 1, numWords = 0;
    for (let word = 0; word < counts.length; word++) {
      const length = offsets[word + 1] - offsets[word];
      if (length < 2) continue; // no pair in it
      numSlots += length + 1;
      numWords++;
    }
    const slots = this.slots = new Int32Array(numSlots);
    this.#ends = new Uint32Array(numWords);
    this.#weights = new Float64Array(numWords);
    this.#firstWords = new Uint32Array((numSlots >> BLOCK_SHIFT) + 1);
    let slot = 0, added = 0, block = 0;
    slots[slot++] = BOUNDARY;
    for (let word = 0; word < counts.length; word++) {
      if (offsets[word + 1] - offsets[word] < 2) continue;
      for (let at = offsets[word]; at < offsets[word + 1]; at++) slots[slot++] = byteIds[arena[at]];
      this.#ends[added] = slot;
      this.#weights[added] = counts[word];
      for (; block << BLOCK_SHIFT < slot; block++) this.#firstWords[block] = added;
      slots[slot++] = BOUNDARY;
      added++;
    }
  }

  /** How often the word that a slot is in occurs. */
  weightAt(slot: number): number {
    let word = this.#firstWords[slot >>> BLOCK_SHIFT];
    while (this.#ends[word] <= slot) word++;
    return this.#weights[word];
  }

  /** All pairs of neighbours that occur at least `floor` times, with their occurrences in the order of slots. */
  countPairs(tokens: TokenBytes, floor: number): CountedPairs {
    const { slots } = this;
    const all = new PairTable(1 << 16);
    let counts = new Float64Array(1 << 16), numOccurrences = new Uint32Array(1 << 16);
    let word = 0;
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
        counts[pair] += this.#weights[word];
        numOccurrences[pair]++;
      } else if (left >= 0) {
        word++;
      }
      slot = next;
    }
    let needed = 0;
    for (let pair = 0; pair < all.size; pair++) if (counts[pair] >= floor) needed += numOccurrences[pair];
    // Merges make occurrences too, but fewer, as a rule.
    const kept = new CountedPairs(needed + Math.min(needed >> 1, 1 << 22));
    for (let pair = 0; pair < all.size; pair++) {
      if (counts[pair] >= floor) kept.addCounted(all.left[pair], all.right[pair], counts[pair], numOccurrences[pair]);
    }
    this.#listOccurrences(kept, tokens);
    return kept;
  }

  #listOccurrences(pairs: CountedPairs, tokens: TokenBytes): void {
    const { slots } = this;
    const { occurrences } = pairs;
    const cursors = pairs.starts.slice(0, pairs.size);
    for (let slot = 0; slot < slots.length;) {
      const left = slots[slot];
      const next = slot + (left < 0 ? 1 : tokens.byteLength(left));
      if (left >= 0 && slots[next] >= 0) {
        const pair = pairs.find(left, slots[next]);
        if (pair >= 0) occurrences[cursors[pair]++] = slot;
      }
      slot = next;
    }
  }
}

/** Pairs with their counts, and the slots where their left token started when they were added. */
export class CountedPairs extends PairTable {
  counts: Float64Array = new Float64Array(1024);
  /** Pair `i` was at `occurrences[starts[i]..ends[i])`; some may be gone since. */
  occurrences: Int32Array;
  starts: Uint32Array = new Uint32Array(1024);
  ends: Uint32Array = new Uint32Array(1024);
  #used = 0;

  /** @param numOccurrences How many to make room for; it grows when more come. */
  constructor(numOccurrences: number) {
    super();
    this.occurrences = new Int32Array(numOccurrences);
  }

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
