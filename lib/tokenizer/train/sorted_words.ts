// Counted words in the order of their bytes.
import type { WordCounts } from "./word_counts.ts";

/** Leading bytes that are compared at once, as one number. */
const KEY_BYTES = 6;

/** Byte order of word `i` of `a` and word `j` of `b`: negative, zero or positive; a prefix comes before what it begins. */
export function compareWords(a: WordCounts, i: number, b: WordCounts, j: number): number {
  let p = a.offsets[i], q = b.offsets[j];
  const pEnd = a.offsets[i + 1], qEnd = b.offsets[j + 1];
  while (p < pEnd && q < qEnd) {
    const order = a.arena[p++] - b.arena[q++];
    if (order !== 0) return order;
  }
  return (pEnd - p) - (qEnd - q);
}

/** The same words, sorted, in memory of their own. */
export function sortWords(words: WordCounts): WordCounts {
  const { arena, offsets, counts } = words;
  const keys = new Float64Array(counts.length);
  for (let word = 0; word < counts.length; word++) {
    let key = 0;
    for (let i = offsets[word]; i < offsets[word] + KEY_BYTES; i++) {
      key = key * 256 + (i < offsets[word + 1] ? arena[i] : 0);
    }
    keys[word] = key;
  }
  const order = Uint32Array.from(counts, (_, word) => word);
  order.sort((a, b) => keys[a] - keys[b] || compareWords(words, a, words, b));
  return wordsFrom(order.length, (i) => [words, order[i]], Float64Array.from(order, (word) => counts[word]));
}

/** Words picked from others. */
export function wordsFrom(
  length: number,
  pick: (i: number) => readonly [from: WordCounts, word: number],
  counts: ArrayLike<number>,
): WordCounts {
  const offsets = new Uint32Array(length + 1);
  for (let i = 0; i < length; i++) {
    const [from, word] = pick(i);
    offsets[i + 1] = offsets[i] + from.offsets[word + 1] - from.offsets[word];
  }
  const arena = new Uint8Array(offsets[length]);
  for (let i = 0; i < length; i++) {
    const [from, word] = pick(i);
    arena.set(from.arena.subarray(from.offsets[word], from.offsets[word + 1]), offsets[i]);
  }
  return { arena, offsets, counts: Float64Array.from(counts) };
}
