// Learns merges from counted words, keeping pair counts up to date instead of recounting after each merge.
// Source: Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units", arXiv:1508.07909
import type { WordCounts } from "./word_counts.ts";
import { MergeStep } from "./merge_step.ts";
import { PairHeap } from "./pair_heap.ts";
import type { TokenBytes } from "../encode/token_bytes.ts";
import { type CountedPairs, WordSymbols } from "./word_symbols.ts";

// How far the floor falls when no pair reaches it. Each fall costs a pass over all words.
const FLOOR_DIVISOR = 8;

/**
 * The most frequent pair, again and again. Ties go to the lexicographically greater pair of byte strings.
 *
 * The count of an existing pair can only fall, because a merge makes new pairs only with the new token. So
 * - the heap may hold old counts: when an entry at the top has fallen, it is put back with its count of now;
 * - a pair that starts out below a floor stays below it. Such pairs, the great majority, are not stored until no stored
 *   pair reaches the floor; then the floor falls, and all pairs are counted anew.
 */
export class MergeTrainer {
  readonly #tokens: TokenBytes;
  readonly #symbols: WordSymbols;
  readonly #heap: PairHeap;
  readonly #step: MergeStep;
  #pairs: CountedPairs;
  #floor: number;

  /**
   * @param words The word counts.
   * @param tokens At least the 256 bytes; merged tokens are added.
   * @param byteIds Token id of each byte.
   * @param numMerges How many merges are wanted: a hint for the first floor, and a bound on ids.
   */
  constructor(words: WordCounts, tokens: TokenBytes, byteIds: ArrayLike<number>, numMerges: number) {
    this.#tokens = tokens;
    this.#symbols = new WordSymbols(words, byteIds);
    this.#heap = new PairHeap((a, b) => this.#isGreater(a, b));
    this.#step = new MergeStep(tokens.size + numMerges);
    // Merge k is about as frequent as the k-th word, so that half of that is seldom reached.
    this.#floor = Math.max(1, Math.floor(nthLargest(words.counts, numMerges) / 2));
    this.#pairs = this.#symbols.countPairs(tokens, this.#floor);
    this.#fillHeap();
  }

  /** Makes the next merge: the two ids that become the token `tokens.size - 1`. `undefined` when no pair is left. */
  merge(): readonly [left: number, right: number] | undefined {
    const pair = this.#best();
    if (pair < 0) return undefined;
    const left = this.#pairs.left[pair], right = this.#pairs.right[pair];
    const merged = this.#tokens.size;
    this.#tokens.setMerged(merged, left, right);
    this.#heap.pop();
    const firstNew = this.#pairs.size;
    this.#step.run(this.#symbols, this.#pairs, this.#tokens, pair, merged, this.#floor);
    for (let added = firstNew; added < this.#pairs.size; added++) this.#heap.push(added, this.#pairs.counts[added]);
    return [left, right];
  }

  /** The pair to merge next, which is then at the top of the heap; -1 if there is none. */
  #best(): number {
    for (;;) {
      if (this.#heap.size === 0) {
        if (this.#floor === 1) return -1;
        this.#floor = Math.max(1, Math.floor(this.#floor / FLOOR_DIVISOR));
        this.#pairs = this.#symbols.countPairs(this.#tokens, this.#floor);
        this.#fillHeap();
        continue;
      }
      const pair = this.#heap.topPair;
      const count = this.#pairs.counts[pair];
      if (count === this.#heap.topCount) return pair;
      if (count < this.#floor) this.#heap.pop();
      else this.#heap.lowerTop(count);
    }
  }

  #fillHeap(): void {
    for (let pair = 0; pair < this.#pairs.size; pair++) this.#heap.push(pair, this.#pairs.counts[pair]);
  }

  #isGreater(a: number, b: number): boolean {
    const { left, right } = this.#pairs;
    // Distinct tokens have distinct bytes, so equal bytes means the same token.
    const order = left[a] === left[b] ? 0 : this.#tokens.compare(left[a], left[b]);
    return (order !== 0 ? order : this.#tokens.compare(right[a], right[b])) > 0;
  }
}

/** A number close to the n-th largest of `values`, and not above it; 0 if there are fewer. */
function nthLargest(values: Float64Array, n: number): number {
  const EIGHTHS = 8; // buckets per doubling
  const buckets = new Uint32Array(64 * EIGHTHS);
  for (const value of values) if (value >= 1) buckets[Math.floor(Math.log2(value) * EIGHTHS)]++;
  let bucket = buckets.length;
  for (let seen = 0; bucket > 0 && seen < n;) seen += buckets[--bucket];
  return bucket === 0 ? 0 : 2 ** (bucket / EIGHTHS);
}
