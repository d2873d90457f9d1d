// Looks up the pre-tokens of a chunk and puts their ids out, in passes: each asks for many places in memory that do not
// depend on one another, so that the processor waits for them at the same time, and a word that is rare does not hold up
// those behind it.
//
// Most pre-tokens are in a table of frequent words that fits a second-level cache, in front of the set of all words
// (words.ts). A word has one place there, by its hash, and lies there with its ids: one look decides. Which words lie
// there does not matter to the result.
import { findOrEncode, manyIds } from "./encodings";
import { FOUND, frequent, FREQUENT_BITS, missed, misses, SLOT, starts, words } from "./layout";
import {
  hasBytes,
  hasKey,
  idBytes,
  INLINE_BYTES,
  isShort,
  LAST_BYTE,
  likelySlot,
  longKey,
  makeRoom,
  makeShortKey,
  POSITIONS,
  shortKey,
  VALUE,
} from "./words";

// An entry in `misses`: a pre-token that is not among the frequent words. Its key:
const KEY: usize = 0;
/** Where in `starts` its start is. */
const START: usize = 16;
/** The slot of the word that it may be. */
const LIKELY: usize = 20;
const MISS: usize = 32;
/** How many are looked up among all words at a time. */
const BATCH: usize = 256;

/** The end of `missed`: where in `starts` the starts are of pre-tokens that are not among the frequent words. */
let missedEnd: usize = 0;

/**
 * Looks up the first `count` pre-tokens of a chunk, up to one that is longer than `maxBytes`. Returns how many those are.
 * {@linkcode putIds} puts out their ids.
 */
export function lookUp(count: u32, maxBytes: u32): u32 {
  findFrequent(count);
  for (let miss = missed; miss < missedEnd; miss += 4) {
    if (bytesOf(load<u32>(miss)) <= maxBytes) continue;
    count = ((load<u32>(miss) as usize) - starts) >> 2;
    missedEnd = miss;
  }
  // Words that are found must stay where they are while others are added.
  makeRoom(((missedEnd - missed) >> 2) as u32);
  for (let miss = missed; miss < missedEnd; miss += 4 * BATCH) findMissed(miss, min(miss + 4 * BATCH, missedEnd));
  return count;
}

/** Puts out the ids of the `count` pre-tokens that were looked up last; returns their end. May write 16 bytes past it. */
export function putIds(count: u32, out: usize): usize {
  const end = starts + ((count as usize) << 2);
  for (let start = starts; start < end; start += 4) {
    const word: usize = load<u32>(start, FOUND);
    const bytes = idBytes(word) as usize;
    if (bytes > (INLINE_BYTES as usize)) memory.copy(out, manyIds(word), bytes);
    else v128.store(out, v128.load(word, VALUE));
    out += bytes;
  }
  keepMissed();
  return out;
}

/** Finds the first `count` pre-tokens among the frequent words; writes the others to `missed`. */
function findFrequent(count: u32): void {
  const table = frequent;
  const positions = v128.load(POSITIONS);
  const lastByte = v128.load(LAST_BYTE);
  let miss = missed;
  let start = starts;
  let at: usize = load<u32>(start);
  const end = start + ((count as usize) << 2);
  while (start < end) {
    const next: usize = load<u32>(start, 4);
    const key = makeShortKey(at, (next - at) as u32, positions, lastByte);
    const word = placeOf(table, key);
    const same = i8x16.bitmask(i8x16.eq(v128.load(word), key));
    store<u32>(start, word as u32, FOUND);
    // What is written here is written over if it was there: a branch could not be predicted.
    store<u32>(miss, start as u32);
    miss += 4 - (((same + 1) >> 14) & 4);
    at = next;
    start += 4;
  }
  missedEnd = miss;
}

/** Looks up some that were missed among all words; what is not there is merged, and added. */
function findMissed(first: usize, end: usize): void {
  let miss = misses;
  for (let from = first; from < end; from += 4) {
    const start: usize = load<u32>(from);
    const at: usize = load<u32>(start);
    const length = bytesOf(start);
    v128.store(miss, isShort(length) ? shortKey(at, length) : longKey(at, length), KEY);
    store<u32>(miss, start as u32, START);
    miss += MISS;
  }
  const last = miss;
  for (miss = misses; miss < last; miss += MISS) store<u32>(miss, likelySlot(v128.load(miss, KEY)), LIKELY);
  for (miss = misses; miss < last; miss += MISS) {
    const start: usize = load<u32>(miss, START);
    const at: usize = load<u32>(start);
    const length = bytesOf(start);
    let word = words + (load<u32>(miss, LIKELY) as usize) * SLOT;
    if (!hasKey(word, v128.load(miss, KEY)) || !(isShort(length) || hasBytes(word, at, length))) {
      word = findOrEncode(at, length);
    }
    store<u32>(start, word as u32, FOUND);
  }
}

/** Puts what was missed among the frequent words, each in the place of another. */
function keepMissed(): void {
  const table = frequent;
  for (let miss = missed; miss < missedEnd; miss += 4) {
    const start: usize = load<u32>(miss);
    const word: usize = load<u32>(start, FOUND);
    if (idBytes(word) > INLINE_BYTES || !isShort(bytesOf(start))) continue;
    const key = v128.load(word);
    const place = placeOf(table, key);
    v128.store(place, key);
    v128.store(place, v128.load(word, VALUE), VALUE);
  }
}

/** The length of the pre-token whose start is in `starts` at `start`. @inline */
function bytesOf(start: usize): u32 {
  return load<u32>(start, 4) - load<u32>(start);
}

/** The place of a key among the frequent words. @inline */
function placeOf(table: usize, key: v128): usize {
  // One product is enough here: keys that meet cost time, but each not more than a look among all words.
  const mixed = i64x2.extract_lane(v128.xor(key, v128.shuffle<u64>(key, key, 1, 0)), 0) as u64;
  return table + (((mixed * 0x9e3779b97f4a7c15) >> (64 - FREQUENT_BITS)) as usize) * SLOT;
}
