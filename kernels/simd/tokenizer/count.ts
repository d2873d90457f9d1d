// Counts pre-tokens. A word's value is how often it was seen (u64).
import { input, nextSlot, SLOT, starts, words } from "./layout";
import { beginSplit, splitChunk } from "./split";
import { addShort, byteSlots, bytesOf, findOrAddLong, findShort, isShort, lengthOf, VALUE } from "./words";

/** Counts the pre-tokens of the text in `input[0..length)`. */
export function count(pattern: u32, length: u32): void {
  let at = input;
  const end = at + (length as usize);
  beginSplit(at);
  while (at < end) {
    const last = starts + ((splitChunk(pattern, end) as usize) << 2);
    for (let next = starts; next < last;) {
      next += 4;
      const wordEnd: usize = load<u32>(next);
      add(at, (wordEnd - at) as u32, 1);
      at = wordEnd;
    }
  }
}

/**
 * Adds counted words from elsewhere: slots as they lie in another instance's memory, from the start of one word to the
 * end of another, in `input[0..length)`.
 */
export function addCounts(length: u32): void {
  const end = input + (length as usize);
  for (let word = input; word < end;) {
    const slots = 1 + byteSlots(word);
    add(bytesOf(word), lengthOf(word), load<u64>(word, VALUE));
    word += (slots as usize) * SLOT;
  }
}

/** The slot where a word starts after `from`, at most `maxSlots` on unless one word is longer; or the end. */
export function wordsEndNear(from: u32, maxSlots: u32): u32 {
  let slot = from;
  while (slot < nextSlot) {
    const next = slot + 1 + byteSlots(words + (slot as usize) * SLOT);
    if (next - from > maxSlots && slot > from) break;
    slot = next;
  }
  return slot;
}

/** @inline */
function add(at: usize, length: u32, times: u64): void {
  let word: usize;
  if (isShort(length)) {
    word = findShort(at, length);
    if (word === 0) word = addShort(at, length);
  } else {
    word = findOrAddLong(at, length);
  }
  store<u64>(word, load<u64>(word, VALUE) + times, VALUE);
}
