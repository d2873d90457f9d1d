// GPT-2's pattern on 64 bytes at once: a bit per byte, and the starts of pre-tokens by arithmetic on the bits.
import { contractionLength } from "./chars";

/**
 * Bit i is set if a pre-token starts at `at + i`; bit 0 is, for `at` must be such a start. The starts after the last bit
 * are not known: neither those after the first byte that is not ASCII, nor those that hang on bytes past the block.
 * Reads 64 bytes; the text ends at `end`, at `at + 64` or later.
 */
export function gpt2BlockStarts(at: usize, end: usize): u64 {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  const foreign = bits(a, b, c, d);
  const letters = bits(letter(a), letter(b), letter(c), letter(d));
  const digits = bits(digit(a), digit(b), digit(c), digit(d));
  const whites = bits(white(a), white(b), white(c), white(d));
  const spaces = bits(equal(a, 0x20), equal(b, 0x20), equal(c, 0x20), equal(d, 0x20));
  const others = ~(letters | digits | whites);
  // A run starts where the byte before is of another kind; a space before it joins it, and starts the pre-token.
  const runs = (letters & ~(letters << 1)) | (digits & ~(digits << 1)) | (others & ~(others << 1));
  // White space starts a pre-token after other text; so does its last byte before other text, which it gives up.
  let starts = (runs & ~(spaces << 1)) | (whites & (~(whites << 1) | (~whites >> 1)));
  let known: u64 = 64;
  if (foreign !== 0) {
    known = ctz(foreign);
    starts &= ((1 as u64) << known) - 1;
  }
  // Whether white space at the end of what is known is the last of its run is not known.
  if (known > 1 && ((whites >> (known - 2)) & 3) === 3) starts &= ~((1 as u64) << (known - 1));
  let apostrophes = starts & bits(equal(a, 0x27), equal(b, 0x27), equal(c, 0x27), equal(d, 0x27));
  for (; apostrophes !== 0; apostrophes &= apostrophes - 1) {
    const i = ctz(apostrophes);
    if (i + 3 >= known) return starts & (((2 as u64) << i) - 1);
    const length = contractionLength(at + (i as usize), end);
    if (length !== 0) starts = (starts & ~((2 as u64) << i)) | (1 as u64) << (i + (length as u64));
  }
  return starts;
}

/** The high bits of 64 bytes. @inline */
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (i8x16.bitmask(a) as u32 as u64) | (i8x16.bitmask(b) as u32 as u64) << 16 |
    (i8x16.bitmask(c) as u32 as u64) << 32 | (i8x16.bitmask(d) as u32 as u64) << 48;
}

// Ranges are tested by moving their start to the least signed byte. Bytes that are not ASCII may come out either way.

/** Bytes from `first` on, `count` of them. @inline */
function within(bytes: v128, first: i32, count: i32): v128 {
  return i8x16.lt_s(i8x16.add(bytes, i8x16.splat((128 - first) as i8)), i8x16.splat((count - 128) as i8));
}

/** @inline */
function letter(bytes: v128): v128 {
  return within(v128.or(bytes, i8x16.splat(0x20)), 0x61, 26);
}

/** @inline */
function digit(bytes: v128): v128 {
  return within(bytes, 0x30, 10);
}

/** @inline */
function white(bytes: v128): v128 {
  return v128.or(within(bytes, 0x09, 5), equal(bytes, 0x20));
}

/** @inline */
function equal(bytes: v128, byte: i32): v128 {
  return i8x16.eq(bytes, i8x16.splat(byte as i8));
}
