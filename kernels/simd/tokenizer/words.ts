// A set of byte strings, each with 16 bytes of its own: what counts them, or their encoding.
//
// A word takes one slot of 32 bytes: 16 of key, 16 of value. The key of a word of up to 15 bytes is its bytes, zeros, and
// its length in the last byte. A longer word has there its hash (u64), its length (u32) and LONG; its bytes follow in
// slots of their own. Words lie in order of arrival, so frequent ones lie together.
import {
  addWord,
  clearForgettable,
  growIndex,
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

/**
 * An entry of the index is a word's slot, and a tag above it: bits of the word's hash that its place does not show, so that
 * few words are looked at in vain. No slot needs more bits: 2^27 of them are all the memory there is.
 */
const SLOT_BITS: u32 = 27;
const MAX_SLOT: u32 = (1 << SLOT_BITS) - 1;
const TAG_BITS: u32 = 5;

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;
const HIGH_MULTIPLIER: u64 = 0xc2b2ae3d27d4eb4f;

/** The numbers from 0 to 15, a byte each; and a vector whose last byte alone is ones. */
export const POSITIONS = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);
export const LAST_BYTE = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255], 16);

/** The word of `length` bytes at `at`, or 0 if it is not there. @inline */
export function findShort(at: usize, length: u32): usize {
  const key = shortKey(at, length);
  const mask = (1 << indexBits) - 1;
  const place = placeOf(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1));
  let i = place >> TAG_BITS;
  while (true) {
    const entry = load<u32>(index + ((i as usize) << 2));
    if (entry === 0) return 0;
    const slot = entry ^ place << SLOT_BITS;
    const word = words + (slot as usize) * SLOT;
    if (slot <= MAX_SLOT && hasKey(word, key)) return word;
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
  const key = longKey(at, length);
  const low: u64 = i64x2.extract_lane(key, 0);
  const high: u64 = i64x2.extract_lane(key, 1);
  const mask = (1 << indexBits) - 1;
  const place = placeOf(low, high);
  let i = place >> TAG_BITS;
  while (true) {
    const entry = load<u32>(index + ((i as usize) << 2));
    if (entry === 0) break;
    const slot = entry ^ place << SLOT_BITS;
    const word = words + (slot as usize) * SLOT;
    if (slot <= MAX_SLOT && hasKey(word, key) && hasBytes(word, at, length)) return word;
    i = (i + 1) & mask;
  }
  link(low, high);
  const word = takeSlots(1 + slotsFor(length));
  v128.store(word, key);
  v128.store(word, i64x2.splat(0), VALUE);
  memory.copy(word + SLOT, at, length);
  return word;
}

/** The slot of the word that may have this key: of the first one with its tag in the index; 0 if there is none. @inline */
export function likelySlot(key: v128): u32 {
  const mask = (1 << indexBits) - 1;
  const place = placeOf(i64x2.extract_lane(key, 0), i64x2.extract_lane(key, 1));
  let i = place >> TAG_BITS;
  while (true) {
    const entry = load<u32>(index + ((i as usize) << 2));
    if (entry === 0) return 0;
    const slot = entry ^ place << SLOT_BITS;
    if (slot <= MAX_SLOT) return slot;
    i = (i + 1) & mask;
  }
}

/** Whether the word at `word` has this key. Short words with the same key are the same. @inline */
export function hasKey(word: usize, key: v128): bool {
  return !v128.any_true(v128.xor(v128.load(word), key));
}

/** Whether the long word at `word` is that of `length` bytes at `at`; their keys are the same. */
export function hasBytes(word: usize, at: usize, length: u32): bool {
  const bytes = word + SLOT;
  const last = (length as usize) - 16;
  let differing = v128.xor(v128.load(bytes + last), v128.load(at + last));
  for (let i: usize = 0; i < last; i += 16) {
    differing = v128.or(differing, v128.xor(v128.load(bytes + i), v128.load(at + i)));
  }
  return !v128.any_true(differing);
}

/** Makes room for `count` more words, so that adding them moves none. */
export function makeRoom(count: u32): void {
  while ((numWords + count) * 5 >= (4 as u32) << indexBits) {
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
export function shortKey(at: usize, length: u32): v128 {
  return makeShortKey(at, length, v128.load(POSITIONS), v128.load(LAST_BYTE));
}

/** The same, with vectors that a loop loads once, from {@linkcode POSITIONS} and {@linkcode LAST_BYTE}. @inline */
export function makeShortKey(at: usize, length: u32, positions: v128, lastByte: v128): v128 {
  // A length of more than 127 becomes 127: only that it is above 15 matters.
  const halves = i32x4.splat(length);
  const words = i16x8.narrow_i32x4_s(halves, halves);
  const lengths = i8x16.narrow_i16x8_s(words, words);
  const bytes = v128.and(v128.load(at), i8x16.lt_s(positions, lengths));
  // A longer word's 16th byte is there too; its length alone makes the last byte more than any short word's.
  return v128.or(bytes, v128.and(lengths, lastByte));
}

/** The key of a long word. Reads up to 7 bytes past it. @inline */
export function longKey(at: usize, length: u32): v128 {
  const hash = i64x2.splat(hashLong(at, length));
  return i64x2.replace_lane(hash, 1, (length as u64) | (LONG as u64) << 56);
}

/** Where in the index a key is looked for first, and its tag in the low bits: the high bits of a product. @inline */
function placeOf(low: u64, high: u64): u32 {
  return (((low ^ high * HIGH_MULTIPLIER) * MULTIPLIER) >> (64 - TAG_BITS - indexBits)) as u32;
}

/** Writes the next free slot into the index, which fills to four fifths at most. */
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
  const place = placeOf(low, high);
  let i = place >> TAG_BITS;
  while (load<u32>(index + ((i as usize) << 2)) !== 0) i = (i + 1) & mask;
  store<u32>(index + ((i as usize) << 2), slot | place << SLOT_BITS);
}

// Values that are encodings: up to three ids (seven, if they are u16), and in the last two bytes how many bytes they take.
// More ids follow the bytes, in slots of their own.

/** The most bytes of ids that a value holds in its own slot. */
export const INLINE_BYTES: u32 = 14;

/** How many bytes the ids of the word's encoding take; 0 for a word that is counted. @inline */
export function idBytes(word: usize): u32 {
  return load<u16>(word, VALUE + 14);
}

/** Slots that the word's ids take after its own and those of its bytes. */
export function idSlots(word: usize): u32 {
  const bytes = idBytes(word);
  return bytes > INLINE_BYTES ? slotsFor(bytes) : 0;
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
