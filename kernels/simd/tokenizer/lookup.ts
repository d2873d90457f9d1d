// Looks up the pre-tokens of a chunk and puts their ids out, in passes: each asks for many places in memory that do not
// depend on one another, so that the processor waits for them at the same time, and a word that is rare does not hold up
// those behind it.
//
// Most pre-tokens are in a table of frequent words that fits a second-level cache, in front of the set of all words
// (words.ts). A word has one place there, by its hash, and lies there with its ids: one look decides. Which words lie
// there does not matter to the result.
import { findOrEncode, manyIds } from "./encodings";
import { foundIds, frequent, FREQUENT_BITS, idShift, missed, SLOT, starts, words } from "./layout";
import { firstSlot, hasKey, inlineIds, isShort, isWord, makeRoom, numIds, shortKey, VALUE } from "./words";

// An entry in `missed`: a pre-token that is not among the frequent words.
/** Where in `starts` its start is. */
const START: usize = 0;
/** Where in `foundIds` its ids belong. */
const GAP: usize = 4;
/** The slot of the word that it may be; later, where the word is. */
const WORD: usize = 8;
const MISS: usize = 16;

/** The end of `missed`, and of `foundIds`. */
let missedEnd: usize = 0;
let foundEnd: usize = 0;

/**
 * Looks up the first `count` pre-tokens of a chunk, up to one that is longer than `maxBytes`. Returns how many those are.
 * {@linkcode putIds} puts out their ids.
 */
export function lookUp(count: u32, maxBytes: u32): u32 {
  findFrequent(count);
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    if (bytesOf(miss) <= maxBytes) continue;
    count = ((load<u32>(miss, START) as usize) - starts) >> 2;
    missedEnd = miss;
    foundEnd = load<u32>(miss, GAP);
  }
  findMissed();
  return count;
}

/** Puts out the ids of the pre-tokens that were looked up last, and returns their end. May write 16 bytes past it. */
export function putIds(out: usize): usize {
  const shift = idShift as usize;
  const table = frequent;
  const most = inlineIds();
  let from = foundIds;
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const gap: usize = load<u32>(miss, GAP);
    out = copyIds(from, gap, out);
    from = gap;
    const word: usize = load<u32>(miss, WORD);
    const count = numIds(word);
    const value = v128.load(word, VALUE);
    if (count > most) {
      memory.copy(out, manyIds(word), (count as usize) << shift);
    } else {
      v128.store(out, value);
      if (isShort(bytesOf(miss))) {
        // From now on it is among the frequent words, in the place of another.
        const key = v128.load(word);
        const place = placeOf(table, key);
        v128.store(place, key);
        v128.store(place, value, VALUE);
      }
    }
    out += (count as usize) << shift;
  }
  return copyIds(from, foundEnd, out);
}

/** Copies `ids[from..to)` to `out`, and returns its end there. @inline */
function copyIds(from: usize, to: usize, out: usize): usize {
  const end = out + (to - from);
  for (; out < end; out += 16) {
    v128.store(out, v128.load(from));
    from += 16;
  }
  return end;
}

/** Writes the ids of all pre-tokens that are frequent words to `foundIds`, and the others to `missed`. */
function findFrequent(count: u32): void {
  const shift = idShift as usize;
  const table = frequent;
  let out = foundIds;
  let miss = missed;
  let start = starts;
  let at: usize = load<u32>(start);
  const end = start + ((count as usize) << 2);
  while (start < end) {
    const next: usize = load<u32>(start, 4);
    const key = shortKey(at, (next - at) as u32);
    const word = placeOf(table, key);
    const isMissed = hasKey(word, key) ? 0 : 1;
    // What is written here is written over if it was not there, or was: a branch could not be predicted.
    v128.store(out, v128.load(word, VALUE));
    store<u32>(miss, start as u32, START);
    store<u32>(miss, out as u32, GAP);
    miss += isMissed * MISS;
    out += ((numIds(word) as usize) << shift) & (isMissed - 1);
    at = next;
    start += 4;
  }
  missedEnd = miss;
  foundEnd = out;
}

/** Looks up what was missed among all words; what is not there is merged, and added. */
function findMissed(): void {
  // Words that are found must stay where they are while others are added.
  makeRoom(((missedEnd - missed) / MISS) as u32);
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    store<u32>(miss, firstSlot(startOf(miss), bytesOf(miss)), WORD);
  }
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const at = startOf(miss);
    const length = bytesOf(miss);
    let word = words + (load<u32>(miss, WORD) as usize) * SLOT;
    if (!isWord(word, at, length)) word = findOrEncode(at, length);
    store<u32>(miss, word as u32, WORD);
  }
}

/** Where a pre-token that was missed starts. @inline */
function startOf(miss: usize): usize {
  return load<u32>(load<u32>(miss, START));
}

/** The length of a pre-token that was missed. @inline */
function bytesOf(miss: usize): u32 {
  const start: usize = load<u32>(miss, START);
  return load<u32>(start, 4) - load<u32>(start);
}

/** The place of a key among the frequent words. @inline */
function placeOf(table: usize, key: v128): usize {
  // One product is enough here: keys that meet cost time, but each not more than a look among all words.
  const mixed = (i64x2.extract_lane(key, 0) as u64) ^ rotl<u64>(i64x2.extract_lane(key, 1), 25);
  return table + (((mixed * 0x9e3779b97f4a7c15) >> (64 - FREQUENT_BITS)) as usize) * SLOT;
}
