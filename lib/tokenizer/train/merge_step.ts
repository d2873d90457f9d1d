// One merge: every occurrence of a pair becomes the new token, and the counts of the pairs around it follow.
import type { TokenBytes } from "../encode/token_bytes.ts";
import { type CountedPairs, INTERIOR, type WordSymbols } from "./word_symbols.ts";

/** Scratch memory for merges, used again by each. */
export class MergeStep {
  // By the token on the left (x) or on the right (y) of an occurrence: how often it was there, by words counted.
  readonly #leftCount: Float64Array; // (x, left) lost and (x, merged) won
  readonly #rightLost: Float64Array; // (right, y) lost
  readonly #rightWon: Float64Array; // (merged, y) won
  // The same, by occurrences: how many slots the new pair's list needs, then where its next slot goes (-1: not stored).
  readonly #leftSlots: Int32Array;
  readonly #rightSlots: Int32Array;
  #leftTouched = new TokenList();
  #rightTouched = new TokenList();
  // What was seen: the neighbour and the slot where the new pair starts. Two entries each.
  #leftSeen = new TokenList();
  #rightSeen = new TokenList();

  /** @param numTokens A bound on token ids. */
  constructor(numTokens: number) {
    this.#leftCount = new Float64Array(numTokens);
    this.#rightLost = new Float64Array(numTokens);
    this.#rightWon = new Float64Array(numTokens);
    this.#leftSlots = new Int32Array(numTokens);
    this.#rightSlots = new Int32Array(numTokens);
  }

  /**
   * Replaces all occurrences of `pair` by the token `merged`, takes from the counts of pairs that this destroys, and adds
   * to `pairs` those it makes, if they occur at least `floor` times.
   */
  run(
    symbols: WordSymbols,
    pairs: CountedPairs,
    tokens: TokenBytes,
    pair: number,
    merged: number,
    floor: number,
  ): void {
    this.#replace(symbols, pairs, tokens, pair, merged);
    const left = pairs.left[pair], right = pairs.right[pair];
    pairs.counts[pair] = 0;
    this.#settleLeft(pairs, pair, left, merged, floor);
    this.#settleRight(pairs, pair, right, merged, floor);
  }

  #replace(symbols: WordSymbols, pairs: CountedPairs, tokens: TokenBytes, pair: number, merged: number): void {
    const { slots } = symbols;
    const left = pairs.left[pair], right = pairs.right[pair];
    const leftBytes = tokens.byteLength(left), rightBytes = tokens.byteLength(right);
    const { occurrences } = pairs;
    for (let i = pairs.starts[pair]; i < pairs.ends[pair]; i++) {
      const start = occurrences[i];
      const middle = start + leftBytes;
      if (slots[start] !== left || slots[middle] !== right) continue; // gone since it was listed
      const end = middle + rightBytes;
      const weight = symbols.weightAt(start);
      const before = slots[start - 1], after = slots[end];
      if (before >= 0) {
        this.#countLeft(before, start - tokens.byteLength(before), weight);
        // The occurrence just before this one was merged a moment ago, and saw `left` after it.
        if (before === merged) this.#rightWon[left] -= weight;
      }
      if (after >= 0) this.#countRight(after, start, weight);
      slots[middle - 1] = slots[middle] = INTERIOR;
      slots[start] = slots[end - 1] = merged;
    }
  }

  #countLeft(token: number, slot: number, weight: number): void {
    if (this.#leftSlots[token]++ === 0) this.#leftTouched.push(token);
    this.#leftCount[token] += weight;
    this.#leftSeen.push(token);
    this.#leftSeen.push(slot);
  }

  #countRight(token: number, slot: number, weight: number): void {
    if (this.#rightSlots[token]++ === 0) this.#rightTouched.push(token);
    this.#rightLost[token] += weight;
    this.#rightWon[token] += weight;
    this.#rightSeen.push(token);
    this.#rightSeen.push(slot);
  }

  #settleLeft(pairs: CountedPairs, pair: number, left: number, merged: number, floor: number): void {
    const touched = this.#leftTouched, cursors = this.#leftSlots;
    for (let i = 0; i < touched.size; i++) {
      const token = touched.items[i];
      const count = this.#leftCount[token];
      // (merged, merged) came out of (merged, left), which #replace() took back already.
      if (token !== merged) lose(pairs, pair, token, left, count);
      cursors[token] = count >= floor ? pairs.addCounted(token, merged, count, cursors[token]) : -1;
      this.#leftCount[token] = 0;
    }
    place(pairs, this.#leftSeen, cursors);
    for (let i = 0; i < touched.size; i++) cursors[touched.items[i]] = 0;
    touched.size = this.#leftSeen.size = 0;
  }

  #settleRight(pairs: CountedPairs, pair: number, right: number, merged: number, floor: number): void {
    const touched = this.#rightTouched, cursors = this.#rightSlots;
    for (let i = 0; i < touched.size; i++) {
      const token = touched.items[i];
      lose(pairs, pair, right, token, this.#rightLost[token]);
      const count = this.#rightWon[token];
      cursors[token] = count >= floor ? pairs.addCounted(merged, token, count, cursors[token]) : -1;
      this.#rightLost[token] = this.#rightWon[token] = 0;
    }
    place(pairs, this.#rightSeen, cursors);
    for (let i = 0; i < touched.size; i++) cursors[touched.items[i]] = 0;
    touched.size = this.#rightSeen.size = 0;
  }
}

/** Takes `count` from a pair, if it is stored and is not the one being merged, which is gone altogether. */
function lose(pairs: CountedPairs, merging: number, left: number, right: number, count: number): void {
  const pair = pairs.find(left, right);
  if (pair >= 0 && pair !== merging) pairs.counts[pair] -= count;
}

/** Writes the slots seen into the lists of the pairs that were stored. */
function place(pairs: CountedPairs, seen: TokenList, cursors: Int32Array): void {
  const { occurrences } = pairs;
  for (let i = 0; i < seen.size; i += 2) {
    const token = seen.items[i];
    if (cursors[token] >= 0) occurrences[cursors[token]++] = seen.items[i + 1];
  }
}

/** A growing list of whole numbers. */
class TokenList {
  items = new Int32Array(1024);
  size = 0;

  push(item: number): void {
    if (this.size === this.items.length) {
      const items = new Int32Array(this.size * 2);
      items.set(this.items);
      this.items = items;
    }
    this.items[this.size++] = item;
  }
}
