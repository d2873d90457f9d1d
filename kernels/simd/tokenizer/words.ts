// A set of byte strings, each with 16 bytes of its own: what counts them, or their encoding.
//
// A word takes one slot of 32 bytes: 16 of key, 16 of value. The key of a word of up to 15 bytes is its bytes, zeros, and
// its length in the last byte. A longer word has there its hash (u64), its length (u32) and LONG; its bytes follow in
// slots of their own. Words lie in order of arrival, so frequent ones lie together.
import {
  addWord,
  clearForgettable,
  growIndex,
  idShift,
  index,
  indexBits,
  nextSlot,
  numWords,
  SLOT,
  takeSlots,
  words,
} from "./layout";

const MAX_SHORT: u32 = 15;
const LONG: u32 = 0xff;
/** Where the value starts. */
export const VALUE: usize = 16;

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;
const HIGH_MULTIPLIER: u64 = 0xc2b2ae3d27d4eb4f;

/** Sixteen ones, then sixteen zeros: 16 bytes from `16 - n` on are n ones, then zeros. */
const masks = memory.data(32, 16);
/** 16 bytes from `16 * n` on are zeros, and n in the last; LONG, for an n of 16. */
const lengths = memory.data(272, 16);

/** To be called once. */
export function initWords(): void {
  v128.store(masks, i8x16.splat(-1));
  for (let n: usize = 0; n <= MAX_SHORT; n++) store<u8>(lengths + n * 16 + 15, n as u8);
  store<u8>(lengths + 16 * 16 + 15, LONG as u8);
}

/** The word of `length` bytes at `at`, or 0 if it is not there. @inline */
export function findShort(at: usize, length: u32): usize {
  const key = shortKey(at, length);
  const mask = (1 << indexBits) - 1;
  let i = place(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1));
  while (true) {
    const slot = load<u32>(index + ((i as usize) << 2));
    if (slot === 0) return 0;
    const word = words + (slot as usize) * SLOT;
    if (hasKey(word, key)) return word;
    i = (i + 1) & mask;
  }
}

/** Whether words of this length have short keys. @inline */
export function isShort(length: u32): bool {
  return length <= MAX_SHORT;
}

/** Adds the word at `at`, which must be short and not there yet. Its value is zeros. */
export function addShort(at: usize, length: u32): usize {
  const key = shortKey(at, length);
  link(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1));
  const word = takeSlots(1);
  v128.store(word, key);
  v128.store(word, i64x2.splat(0), VALUE);
  return word;
}

/** The long word at `at`; it is added, with a value of zeros, if it is not there. */
export function findOrAddLong(at: usize, length: u32): usize {
  const hash = hashLong(at, length);
  const high = longHigh(length);
  const mask = (1 << indexBits) - 1;
  let i = place(hash, high);
  while (true) {
    const slot = load<u32>(index + ((i as usize) << 2));
    if (slot === 0) break;
    const word = words + (slot as usize) * SLOT;
    if (load<u64>(word) === hash && load<u64>(word, 8) === high && memory.compare(word + SLOT, at, length) === 0) {
      return word;
    }
    i = (i + 1) & mask;
  }
  link(hash, high);
  const word = takeSlots(1 + slotsFor(length));
  store<u64>(word, hash);
  store<u64>(word, high, 8);
  v128.store(word, i64x2.splat(0), VALUE);
  memory.copy(word + SLOT, at, length);
  return word;
}

/** The slot that the index names first for the word at `at`; 0 if none. @inline */
export function firstSlot(at: usize, length: u32): u32 {
  let i: u32;
  if (isShort(length)) {
    const key = shortKey(at, length);
    i = place(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1));
  } else {
    i = place(hashLong(at, length), longHigh(length));
  }
  return load<u32>(index + ((i as usize) << 2));
}

/** Whether `word` is the word of `length` bytes at `at`. @inline */
export function isWord(word: usize, at: usize, length: u32): bool {
  if (isShort(length)) return hasKey(word, shortKey(at, length));
  return load<u64>(word, 8) === longHigh(length) && memory.compare(word + SLOT, at, length) === 0;
}

/** Whether the short word at `word` has this key. @inline */
export function hasKey(word: usize, key: v128): bool {
  return !v128.any_true(v128.xor(v128.load(word), key));
}

/** The upper half of a long word's key. @inline */
function longHigh(length: u32): u64 {
  return (length as u64) | (LONG as u64) << 56;
}

/** Makes room for `count` more words, so that adding them moves none. */
export function makeRoom(count: u32): void {
  while ((numWords + count) * 2 >= (1 as u32) << indexBits) {
    growIndex();
    linkAll();
  }
}

/** Forgets all words but those kept for good. */
export function forgetWords(): void {
  clearForgettable();
  linkAll();
}

/** How many slots hold `bytes` bytes. */
export function slotsFor(bytes: u32): u32 {
  return (bytes + (SLOT as u32) - 1) / (SLOT as u32);
}

/** Where the bytes of a word are. */
export function bytesOf(word: usize): usize {
  return isLongWord(word) ? word + SLOT : word;
}

/** The length of a word. */
export function lengthOf(word: usize): u32 {
  return isLongWord(word) ? load<u32>(word, 8) : (load<u8>(word, 15) as u32);
}

/** Slots that the word's bytes take after its own. */
export function byteSlots(word: usize): u32 {
  return isLongWord(word) ? slotsFor(load<u32>(word, 8)) : 0;
}

/** @inline */
function isLongWord(word: usize): bool {
  return load<u8>(word, 15) === (LONG as u8);
}

/** The key of a short word; of a longer one, what is no word's key. @inline */
export function shortKey(at: usize, wordBytes: u32): v128 {
  const length = min<u32>(wordBytes, MAX_SHORT + 1);
  const bytes = v128.and(v128.load(at), v128.load(masks + 16 - (length as usize)));
  return v128.or(bytes, v128.load(lengths + ((length as usize) << 4)));
}

/** Where in the index a key is looked for first. @inline */
function place(low: u64, high: u64): u32 {
  return hashOf(low, high, indexBits);
}

/** `bits` bits made of a key: the high ones of a product, which hang on all of its bits. @inline */
export function hashOf(low: u64, high: u64, bits: u32): u32 {
  return (((low ^ high * HIGH_MULTIPLIER) * MULTIPLIER) >> (64 - bits)) as u32;
}

/** Writes the next free slot into the index, which at most half fills. */
function link(low: u64, high: u64): void {
  makeRoom(1);
  linkAt(low, high, nextSlot);
  addWord();
}

function linkAll(): void {
  for (let slot: u32 = 1; slot < nextSlot;) {
    const word = words + (slot as usize) * SLOT;
    linkAt(load<u64>(word), load<u64>(word, 8), slot);
    slot += 1 + byteSlots(word) + idSlots(word);
  }
}

function linkAt(low: u64, high: u64, slot: u32): void {
  const mask = (1 << indexBits) - 1;
  let i = place(low, high);
  while (load<u32>(index + ((i as usize) << 2)) !== 0) i = (i + 1) & mask;
  store<u32>(index + ((i as usize) << 2), slot);
}

// Values that are encodings: up to three ids (seven, if they are u16), and in the last two bytes how many there are. More
// ids follow the bytes, in slots of their own.

/** How many ids a value holds in its own slot. @inline */
export function inlineIds(): u32 {
  return 14 >> idShift;
}

/** How many ids the word's encoding has; 0 for a word that is counted. @inline */
export function numIds(word: usize): u32 {
  return load<u16>(word, VALUE + 14);
}

/** Slots that the word's ids take after its own and those of its bytes. */
export function idSlots(word: usize): u32 {
  const count = numIds(word);
  return count > inlineIds() ? slotsFor(count << idShift) : 0;
}

/** A hash of bytes, eight at a time. Reads up to 7 bytes past them. */
function hashLong(at: usize, length: u32): u64 {
  let hash: u64 = length as u64;
  const end = at + (length as usize);
  for (; at + 8 <= end; at += 8) hash = (rotl(hash, 23) ^ load<u64>(at)) * MULTIPLIER;
  if (at < end) {
    const missing = ((at + 8 - end) as u64) << 3;
    hash = (rotl(hash, 23) ^ load<u64>(at) << missing) * MULTIPLIER;
  }
  return hash ^ hash >> 32;
}
