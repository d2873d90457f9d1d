// Applies merges to one pre-token: the pair of lowest rank first, leftmost of equals.
// Source: Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units", arXiv:1508.07909
import { byteIds, bytePairs, merges, pairMask, pairs, parts } from "./layout";
import { mergeLong } from "./merge_long";

/** No pair, or one that does not merge. A key is rank << 8 | position; ranks are below 2^24 - 1. */
export const NO_KEY: u32 = 0xffffff00;
/** The highest rank + 1. */
const MAX_RANK: u32 = 0xffffff;
/** Where in a merge the token is that it makes. */
const MERGED: usize = 8;
/** Up to this many bytes the best pair is searched among all, and positions fit a byte; beyond, a heap keeps them. */
const MAX_SEARCHED: u32 = 255;

// Parts of a word by position: the key of the pair that starts there, its id, and the positions beside it.
const KEYS: usize = 0;
const IDS: usize = 256 * 4;
const NEXT: usize = 2 * 256 * 4;
const PREVIOUS: usize = NEXT + 256;

/** Tells the kernel what a byte is called. */
export function setByteId(byte: u32, id: u32): void {
  store<u32>(byteIds + ((byte as usize) << 2), id);
}

/** To be called once, before merges are added. */
export function clearMerges(): void {
  for (let i: usize = 0; i < 0x10000; i++) store<u32>(bytePairs + (i << 2), NO_KEY);
}

/** Adds a merge; `leftByte` and `rightByte` are the bytes that its two tokens are, or 256 if they are longer. */
export function addMerge(rank: u32, left: u32, right: u32, merged: u32, leftByte: u32, rightByte: u32): void {
  const key = (left as u64) << 32 | (right as u64);
  const hash = hashOfPair(key);
  let i = placeOf(hash);
  while (load<u32>(pairs + ((i as usize) << 2)) !== 0) i = (i + 1) & pairMask;
  store<u32>(pairs + ((i as usize) << 2), tagOf(hash) | (rank + 1));
  const merge = merges + ((rank as usize) << 4);
  store<u64>(merge, key);
  store<u32>(merge, merged, MERGED);
  if (leftByte < 256 && rightByte < 256) {
    const bytePair = bytePairs + (((leftByte << 8 | rightByte) as usize) << 2);
    if (load<u32>(bytePair) === NO_KEY) store<u32>(bytePair, rank << 8);
  }
}

/** rank + 1 of a pair of tokens, or 0 if they do not merge. */
export function rankAfter(left: u32, right: u32): u32 {
  const key = (left as u64) << 32 | (right as u64);
  const hash = hashOfPair(key);
  const tag = tagOf(hash);
  let i = placeOf(hash);
  while (true) {
    // Most pairs do not merge. That shows in this table, which is small enough for a second-level cache, and by the tag.
    const entry = load<u32>(pairs + ((i as usize) << 2));
    if (entry === 0) return 0;
    const rank = entry ^ tag;
    if (rank <= MAX_RANK && load<u64>(merges + ((rank as usize) << 4) - 16) === key) return rank;
    i = (i + 1) & pairMask;
  }
}

/** The token that a merge makes. @inline */
export function mergedBy(rank: u32): u32 {
  return load<u32>(merges + ((rank as usize) << 4), MERGED);
}

/** @inline */
function hashOfPair(key: u64): u64 {
  return key * 0x9e3779b97f4a7c15;
}

/** @inline */
function placeOf(hash: u64): u32 {
  return (hash >> 40) as u32 & pairMask;
}

/** Eight bits that the place does not show. @inline */
function tagOf(hash: u64): u32 {
  return (hash >> 8) as u32 & 0xff000000;
}

/** Writes the ids of the `length` bytes at `at` to `out`, and returns how many there are. Uses scratch. */
export function merge(at: usize, length: u32, out: usize): u32 {
  return length <= MAX_SEARCHED ? mergeShort(at, length, out) : mergeLong(at, length, out);
}

function mergeShort(at: usize, length: u32, out: usize): u32 {
  const keys = parts + KEYS;
  const ids = parts + IDS;
  for (let i: u32 = 0; i < length; i++) {
    store<u32>(ids + (i << 2), load<u32>(byteIds + ((load<u8>(at + i) as usize) << 2)));
    store<u8>(parts + NEXT + i, (i + 1) as u8);
    store<u8>(parts + PREVIOUS + i, (i - 1) as u8);
  }
  for (let i: u32 = 0; i + 1 < length; i++) {
    const bytePair = (load<u8>(at + i) as usize) << 8 | (load<u8>(at + i, 1) as usize);
    store<u32>(keys + (i << 2), load<u32>(bytePairs + (bytePair << 2)) | i);
  }
  // No pair starts at the last part; and the search reads whole vectors.
  for (let i = length - 1; i < ((length + 3) & ~3); i++) store<u32>(keys + (i << 2), NO_KEY);
  let count = length;
  while (true) {
    const best = leastKey(keys, length);
    if (best >= NO_KEY) break;
    const i = best & 0xff;
    const gone: u32 = load<u8>(parts + NEXT + i);
    const next: u32 = load<u8>(parts + NEXT + gone);
    const id = mergedBy(best >> 8);
    store<u32>(ids + (i << 2), id);
    store<u8>(parts + NEXT + i, next as u8);
    if (next < length) store<u8>(parts + PREVIOUS + next, i as u8);
    store<u32>(keys + (gone << 2), NO_KEY);
    store<u32>(keys + (i << 2), next < length ? pairKey(id, load<u32>(ids + (next << 2)), i) : NO_KEY);
    if (i > 0) {
      const previous: u32 = load<u8>(parts + PREVIOUS + i);
      store<u32>(keys + (previous << 2), pairKey(load<u32>(ids + (previous << 2)), id, previous));
    }
    count--;
  }
  for (let i: u32 = 0; i < length; i = load<u8>(parts + NEXT + i)) {
    store<u32>(out, load<u32>(ids + (i << 2)));
    out += 4;
  }
  return count;
}

/** @inline */
function pairKey(left: u32, right: u32, position: u32): u32 {
  const rank = rankAfter(left, right);
  return rank === 0 ? NO_KEY : (rank - 1) << 8 | position;
}

/** The least of `count` keys, four at a time. @inline */
function leastKey(keys: usize, count: u32): u32 {
  let least = v128.load(keys);
  for (let i: u32 = 4; i < count; i += 4) least = i32x4.min_u(least, v128.load(keys + (i << 2)));
  least = i32x4.min_u(least, v128.shuffle<u32>(least, least, 2, 3, 0, 1));
  return min<u32>(i32x4.extract_lane(least, 0) as u32, i32x4.extract_lane(least, 1) as u32);
}
