// Looks up the pre-tokens of a chunk and puts their ids out, in passes: each asks for many places in memory that do not
// depend on one another, so that the processor waits for them at the same time, and a word that is rare does not hold up
// those behind it.
//
// Most pre-tokens are in a table of frequent words that fits a second-level cache, in front of the set of all words
// (words.ts). A word has one place there, by its hash, and lies there with its ids: one look decides. Which words lie
// there does not matter to the result.
import { findOrEncode, manyIds } from "./encodings";
import { found, frequent, FREQUENT_BITS, idShift, missed, SLOT, starts, words } from "./layout";
import { firstSlot, hashOf, hasKey, inlineIds, isShort, isWord, makeRoom, numIds, shortKey, VALUE } from "./words";

/** An entry in `missed`: where in `starts` the pre-token's start is, and the slot of the word that it may be. */
const MISS: usize = 8;
const SLOT_AT: usize = 4;

/** The end of `missed`. */
let missedEnd: usize = 0;

/**
 * Looks up the first `count` pre-tokens of a chunk, up to one that is longer than `maxBytes`. Returns how many those are.
 * The words that they are come to be in `found`.
 */
export function lookUp(count: u32, maxBytes: u32): u32 {
  findFrequent(count);
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const i: usize = load<u32>(miss);
    if (bytesAt(i) <= maxBytes) continue;
    missedEnd = miss;
    count = (i >> 2) as u32;
  }
  findMissed();
  return count;
}

/** Puts out the ids of the first `count` pre-tokens of a chunk, which were looked up, and returns their end. */
export function putIds(count: u32, out: usize): usize {
  const shift = idShift as usize;
  const most = inlineIds();
  const end = found + ((count as usize) << 2);
  for (let at = found; at < end; at += 4) {
    const word: usize = load<u32>(at);
    const numOfIds = numIds(word);
    v128.store(out, v128.load(word, VALUE));
    if (numOfIds > most) memory.copy(out, manyIds(word), (numOfIds as usize) << shift);
    out += (numOfIds as usize) << shift;
  }
  keepMissed();
  return out;
}

/** Writes to `found` where the pre-tokens would be among the frequent words, and to `missed` those that are not there. */
function findFrequent(count: u32): void {
  let miss = missed;
  let at: usize = load<u32>(starts);
  for (let i: usize = 0; i < (count as usize) << 2; i += 4) {
    const next: usize = load<u32>(starts + i, 4);
    const key = shortKey(at, (next - at) as u32);
    const word = placeOf(key);
    store<u32>(found + i, word as u32);
    // No branch hangs on it: nobody could predict it.
    store<u32>(miss, i as u32);
    miss += hasKey(word, key) ? 0 : MISS;
    at = next;
  }
  missedEnd = miss;
}

/** Looks up what was missed among all words; what is not there is merged, and added. */
function findMissed(): void {
  // Words that are found must stay where they are while others are added.
  makeRoom(((missedEnd - missed) / MISS) as u32);
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const i: usize = load<u32>(miss);
    store<u32>(miss, firstSlot(load<u32>(starts + i), bytesAt(i)), SLOT_AT);
  }
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const i: usize = load<u32>(miss);
    const at: usize = load<u32>(starts + i);
    const length = bytesAt(i);
    let word = words + (load<u32>(miss, SLOT_AT) as usize) * SLOT;
    if (!isWord(word, at, length)) word = findOrEncode(at, length);
    store<u32>(found + i, word as u32);
  }
}

/** Puts what was missed among the frequent words, each in the place of another, now that `found` has been read. */
function keepMissed(): void {
  for (let miss = missed; miss < missedEnd; miss += MISS) {
    const i: usize = load<u32>(miss);
    const word: usize = load<u32>(found + i);
    if (!isShort(bytesAt(i)) || numIds(word) > inlineIds()) continue;
    const key = v128.load(word);
    const place = placeOf(key);
    v128.store(place, key);
    v128.store(place, v128.load(word, VALUE), VALUE);
  }
}

/** The length of a pre-token. @inline */
function bytesAt(i: usize): u32 {
  return load<u32>(starts + i, 4) - load<u32>(starts + i);
}

/** @inline */
function placeOf(key: v128): usize {
  return frequent + (hashOf(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1), FREQUENT_BITS) as usize) * SLOT;
}
