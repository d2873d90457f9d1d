// GPT-2's pattern on 64 bytes at once: a bit per byte for each class, and the starts of pre-tokens by arithmetic on bits.
//
// Blocks follow one another without regard to pre-tokens. What the next block must know of this one is kept in variables,
// so that nothing is looked at twice, and no block waits for where the last pre-token of another begins.
import { charAt, contractionLength, isLetter, NUMBER, SPACE } from "./chars";

/** Bytes in a block. */
export const BLOCK: usize = 64;

// Vectors of one byte each. They are kept in memory: engines make them anew at every use, from numbers, which is slower.
const SPACES = memory.data<u8>([32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32], 16);
const APOSTROPHES = memory.data<u8>([39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39], 16);
/** For {@linkcode within}: where ranges start, and how many bytes are in them. */
const FROM_A = memory.data<u8>([31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31], 16);
const LETTERS = memory.data<u8>([154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154, 154], 16);
const FROM_0 = memory.data<u8>([80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80], 16);
const DIGITS = memory.data<u8>([138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138, 138], 16);
const FROM_TAB = memory.data<u8>([119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119], 16);
const CONTROLS = memory.data<u8>([133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133, 133], 16);

/** The classes of the last block; only their highest bits, the last byte's, matter. */
let letters: u64 = 0;
let digits: u64 = 0;
let whites: u64 = 0;
let others: u64 = 0;
let spaces: u64 = 0;
/** Starts in the next block that the last apostrophe of this one makes, and unmakes. */
let startsAfter: u64 = 0;
let noStartsAfter: u64 = 0;

// Of bytes that are not ASCII: the classes in this block, and in the next one of the character that reaches into it.
let wideLetters: u64 = 0;
let wideDigits: u64 = 0;
let wideWhites: u64 = 0;
/** Where wide white space is the last of its run. */
let lastWideWhites: u64 = 0;
let nextLetters: u64 = 0;
let nextDigits: u64 = 0;
let nextWhites: u64 = 0;

/** The next block begins with a pre-token. */
export function beginGpt2Split(): void {
  letters =
    digits =
    whites =
    others =
    spaces =
      0;
  startsAfter = noStartsAfter = 0;
  nextLetters =
    nextDigits =
    nextWhites =
      0;
}

/**
 * Writes the addresses at which pre-tokens start in the blocks of `text[at..stop)`, u32 each, and returns the end of what it
 * wrote; up to 64 bytes behind it are garbage. Blocks of one text, which ends at `end`, are to be given in order. Reads up
 * to 63 bytes past the last block's beginning, whether or not the text reaches that far.
 */
export function gpt2Starts(at: usize, stop: usize, end: usize, out: usize): usize {
  for (; at < stop; at += BLOCK) {
    let starts = blockStarts(at, end);
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
    out = outEnd;
  }
  return out;
}

/** Writes the first two starts, and returns the others. `both` is the block's address, twice. @inline */
function putTwo(starts: u64, both: u64, out: usize, offset: usize): u64 {
  const others = starts & (starts - 1);
  store<u64>(out + offset, both + (ctz(starts) | ctz(others) << 32));
  return others & (others - 1);
}

/** Bit i is set if a pre-token starts at `at + i`. @inline */
function blockStarts(at: usize, end: usize): u64 {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  const inText: u64 = at + BLOCK > end ? ((1 as u64) << (end - at)) - 1 : -1;
  const wide = bits(a, b, c, d) & inText;
  let l = bits(letter(a), letter(b), letter(c), letter(d));
  let n = bits(digit(a), digit(b), digit(c), digit(d));
  let w = bits(white(a), white(b), white(c), white(d));
  const s = bits(equal(a, SPACES), equal(b, SPACES), equal(c, SPACES), equal(d, SPACES));
  let apostrophes = bits(equal(a, APOSTROPHES), equal(b, APOSTROPHES), equal(c, APOSTROPHES), equal(d, APOSTROPHES));
  let lastWide: u64 = 0;
  if (wide !== 0) {
    classifyWide(at, end, wide);
    l = (l & ~wide) | wideLetters;
    n = (n & ~wide) | wideDigits;
    w = (w & ~wide) | wideWhites;
    lastWide = lastWideWhites;
  }
  // What lies behind the text is as good as white space, for white space at the very end is one pre-token.
  l &= inText;
  n &= inText;
  w |= ~inText;
  const o = ~(l | n | w);
  // A run starts where the byte before is of another kind; a space before it joins it, and starts the pre-token.
  const runs = (l & ~joined(l, letters)) | (n & ~joined(n, digits)) | (o & ~joined(o, others));
  // White space starts a pre-token after other text; so does its last character before other text, which it gives up.
  const whiteAfter = isWhite(at + BLOCK, end) as u64;
  const lastWhites = (w & ~wide & ~(w >> 1 | whiteAfter << 63)) | lastWide;
  let starts = (runs & ~joined(s, spaces)) | (w & ~joined(w, whites)) | lastWhites;
  starts = (starts & ~noStartsAfter | startsAfter) & inText;
  startsAfter = noStartsAfter = 0;
  letters = l;
  digits = n;
  whites = w;
  others = o;
  spaces = s;
  for (apostrophes &= starts; apostrophes !== 0; apostrophes &= apostrophes - 1) {
    const i = ctz(apostrophes);
    const length = contractionLength(at + (i as usize), end) as u64;
    if (length === 0) continue;
    // The letters after the apostrophe start nothing; what comes after them does.
    if (i === 63) noStartsAfter = 1;
    else starts &= ~((2 as u64) << i);
    if (i + length < 64) starts |= (1 as u64) << (i + length) & inText;
    else startsAfter = (1 as u64) << (i + length - 64);
  }
  return starts;
}

/** Whether the character at `at` is white space, or the text ends there. @inline */
function isWhite(at: usize, end: usize): bool {
  if (at >= end) return true;
  const byte: u32 = load<u8>(at);
  return byte < 0x80 ? byte === 0x20 || byte - 9 < 5 : (charAt(at, end) & 7) === SPACE;
}

/** Every bit one higher, the lowest of them from the block before. @inline */
function joined(bits: u64, before: u64): u64 {
  return bits << 1 | before >> 63;
}

/** Classifies the characters of a block that are not ASCII: of all of their bytes, here and in the next block. */
function classifyWide(at: usize, end: usize, wide: u64): void {
  wideLetters = nextLetters;
  wideDigits = nextDigits;
  wideWhites = nextWhites;
  lastWideWhites = 0;
  // Bytes of a character that began in the block before are no characters: they count for nothing here.
  let todo = wide;
  nextLetters =
    nextDigits =
    nextWhites =
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
    if (isLetter(charClass)) {
      wideLetters |= bytes;
      nextLetters = bytesAfter;
    } else if (charClass === NUMBER) {
      wideDigits |= bytes;
      nextDigits = bytesAfter;
    } else if (charClass === SPACE) {
      wideWhites |= bytes;
      nextWhites = bytesAfter;
      const next = at + ((i + length) as usize);
      if (next < end && (charAt(next, end) & 7) !== SPACE) lastWideWhites |= (1 as u64) << i;
    }
  }
}

/** The high bits of 64 bytes. @inline */
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (i8x16.bitmask(a) as u32 as u64) | (i8x16.bitmask(b) as u32 as u64) << 16 |
    (i8x16.bitmask(c) as u32 as u64) << 32 | (i8x16.bitmask(d) as u32 as u64) << 48;
}

// Ranges are tested by moving their start to the least signed byte. Bytes that are not ASCII may come out either way.

/** Bytes from the one on whose negative is `start`, `count` of them, plus 128 both. @inline */
function within(bytes: v128, start: usize, count: usize): v128 {
  return i8x16.lt_s(i8x16.add(bytes, v128.load(start)), v128.load(count));
}

/** @inline */
function letter(bytes: v128): v128 {
  return within(v128.or(bytes, v128.load(SPACES)), FROM_A, LETTERS);
}

/** @inline */
function digit(bytes: v128): v128 {
  return within(bytes, FROM_0, DIGITS);
}

/** @inline */
function white(bytes: v128): v128 {
  return v128.or(within(bytes, FROM_TAB, CONTROLS), equal(bytes, SPACES));
}

/** @inline */
function equal(bytes: v128, all: usize): v128 {
  return i8x16.eq(bytes, v128.load(all));
}
