// What the splitters share that look at 64 bytes at once: a bit per byte for each class of characters.
import { CASELESS, charAt, isLetter, MARK, NUMBER, SPACE, UPPER } from "./chars";

/** Bytes in a block. */
export const BLOCK: usize = 64;

// Vectors of one byte each. They are kept in memory: engines make them anew at every use, from numbers, which is slower.
export const SPACES = memory.data<u8>([32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32], 16);
export const APOSTROPHES = memory.data<u8>([39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39], 16);
export const NEWLINES = memory.data<u8>([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], 16);
export const RETURNS = memory.data<u8>([13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13], 16);
export const SLASHES = memory.data<u8>([47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47, 47], 16);
/** For {@linkcode within}: where ranges start, and how many bytes are in them. */
const FROM_A = memory.data<u8>([31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31], 16);
const LETTERS = memory.data<u8>([154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154], 16);
const FROM_UPPER_A = memory.data<u8>([63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63], 16);
const FROM_0 = memory.data<u8>([80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80], 16);
const DIGITS = memory.data<u8>([138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138], 16);
const FROM_TAB = memory.data<u8>([119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119], 16);
const CONTROLS = memory.data<u8>([133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133], 16);

// Of bytes that are not ASCII: the classes in this block, and in the next one of the character that reaches into it.
export let wideLetters: u64 = 0;
export let wideDigits: u64 = 0;
export let wideWhites: u64 = 0;
/** Where wide white space is the last of its run. */
export let lastWideWhites: u64 = 0;
let nextLetters: u64 = 0;
let nextDigits: u64 = 0;
let nextWhites: u64 = 0;
export let wideUppers: u64 = 0;
let nextUppers: u64 = 0;
/** Whether there are marks, or letters that are neither upper nor lower case. */
export let isWideCaseless: bool = false;
/** All bytes but the first of characters, of every class. */
export let wideTails: u64 = 0;
export let nextTails: u64 = 0;

/** The next block begins with a character. */
export function beginBlocks(): void {
  nextLetters =
    nextDigits =
    nextWhites =
    nextUppers =
    nextTails =
      0;
}

/**
 * Writes the addresses of starts in the block at `at`, u32 each, and returns the end of what it wrote; up to 64 bytes behind it
 * are garbage. @inline
 */
export function writeStarts(starts: u64, at: usize, out: usize): usize {
  const outEnd = out + ((popcnt(starts) as usize) << 2);
  // Eight at once, whether there are so many or not: a loop that ends after each would be mispredicted every time.
  const both = (at as u64) << 32 | (at as u64);
  do {
    starts = putTwo(starts, both, out, 0);
    starts = putTwo(starts, both, out, 8);
    starts = putTwo(starts, both, out, 16);
    starts = putTwo(starts, both, out, 24);
    out += 32;
  } while (starts !== 0);
  return outEnd;
}

/** Writes the first two starts, and returns the others. `both` is the block's address, twice. @inline */
function putTwo(starts: u64, both: u64, out: usize, offset: usize): u64 {
  const others = starts & (starts - 1);
  store<u64>(out + offset, both + (ctz(starts) | ctz(others) << 32));
  return others & (others - 1);
}

/** Whether the character at `at` is white space, or the text ends there. @inline */
export function isWhite(at: usize, end: usize): bool {
  if (at >= end) return true;
  const byte: u32 = load<u8>(at);
  return byte < 0x80 ? byte === 0x20 || byte - 9 < 5 : (charAt(at, end) & 7) === SPACE;
}

/** Every bit one higher, the lowest of them from the block before. @inline */
export function joined(bits: u64, before: u64): u64 {
  return bits << 1 | before >> 63;
}

/** Classifies the characters of a block that are not ASCII: of all of their bytes, here and in the next block. */
export function classifyWide(at: usize, end: usize, wide: u64): void {
  wideLetters = nextLetters;
  wideDigits = nextDigits;
  wideWhites = nextWhites;
  wideUppers = nextUppers;
  wideTails = nextTails;
  isWideCaseless = false;
  lastWideWhites = 0;
  // Bytes of a character that began in the block before are no characters: they count for nothing here.
  let todo = wide;
  nextLetters =
    nextDigits =
    nextWhites =
    nextUppers =
    nextTails =
      0;
  while (todo !== 0) {
    const i = ctz(todo);
    const char = charAt(at + (i as usize), end);
    const charClass = char & 7;
    const length = (char >> 3) as u64;
    const bytes = (((1 as u64) << length) - 1) << i;
    todo &= ~bytes;
    const isLast = i + length > 64;
    const bytesAfter = isLast ? ((1 as u64) << (i + length - 64)) - 1 : 0;
    wideTails |= bytes & (bytes - 1);
    nextTails |= bytesAfter;
    if (isLetter(charClass)) {
      wideLetters |= bytes;
      nextLetters = bytesAfter;
      if (charClass === UPPER) {
        wideUppers |= bytes;
        nextUppers = bytesAfter;
      } else if (charClass === CASELESS) isWideCaseless = true;
    } else if (charClass === NUMBER) {
      wideDigits |= bytes;
      nextDigits = bytesAfter;
    } else if (charClass === SPACE) {
      wideWhites |= bytes;
      nextWhites = bytesAfter;
      const next = at + ((i + length) as usize);
      if (next < end && (charAt(next, end) & 7) !== SPACE) lastWideWhites |= (1 as u64) << i;
    } else if (charClass === MARK) isWideCaseless = true;
  }
}

/** The high bits of 64 bytes. @inline */
export function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (i8x16.bitmask(a) as u32 as u64) | (i8x16.bitmask(b) as u32 as u64) << 16 |
    (i8x16.bitmask(c) as u32 as u64) << 32 | (i8x16.bitmask(d) as u32 as u64) << 48;
}

// Ranges are tested by moving their start to the least signed byte. Bytes that are not ASCII may come out either way.

/** Bytes from the one on whose negative is `start`, `count` of them, plus 128 both. @inline */
function within(bytes: v128, start: usize, count: usize): v128 {
  return i8x16.lt_s(i8x16.add(bytes, v128.load(start)), v128.load(count));
}

/** @inline */
export function letter(bytes: v128): v128 {
  return within(v128.or(bytes, v128.load(SPACES)), FROM_A, LETTERS);
}

/** Of letters, those of upper case. @inline */
export function upper(bytes: v128): v128 {
  return within(bytes, FROM_UPPER_A, LETTERS);
}

/** @inline */
export function digit(bytes: v128): v128 {
  return within(bytes, FROM_0, DIGITS);
}

/** @inline */
export function white(bytes: v128): v128 {
  return v128.or(within(bytes, FROM_TAB, CONTROLS), equal(bytes, SPACES));
}

/** @inline */
export function equal(bytes: v128, all: usize): v128 {
  return i8x16.eq(bytes, v128.load(all));
}
