// GPT-2's pattern on 64 bytes at once: a bit per byte for each class, and the starts of pre-tokens by arithmetic on bits.
//
// Blocks follow one another without regard to pre-tokens. What the next block must know of this one is kept in variables,
// so that nothing is looked at twice, and no block waits for where the last pre-token of another begins.
import {
  APOSTROPHES,
  beginBlocks,
  bits,
  BLOCK,
  classifyWide,
  digit,
  equal,
  isWhite,
  joined,
  lastWideWhites,
  letter,
  SPACES,
  white,
  wideDigits,
  wideLetters,
  wideWhites,
  writeStarts,
} from "./blocks";
import { contractionLength } from "./chars";

/** The classes of the last block; only their highest bits, the last byte's, matter. */
let letters: u64 = 0;
let digits: u64 = 0;
let whites: u64 = 0;
let others: u64 = 0;
let spaces: u64 = 0;
/** Starts in the next block that the last apostrophe of this one makes, and unmakes. */
let startsAfter: u64 = 0;
let noStartsAfter: u64 = 0;

/** The next block begins with a pre-token. */
export function beginGpt2Split(): void {
  letters =
    digits =
    whites =
    others =
    spaces =
      0;
  startsAfter = noStartsAfter = 0;
  beginBlocks();
}

/**
 * Writes the addresses at which pre-tokens start in the blocks of `text[at..stop)`, u32 each, and returns the end of what it
 * wrote; up to 64 bytes behind it are garbage. Blocks of one text, which ends at `end`, are to be given in order. Reads up
 * to 63 bytes past the last block's beginning, whether or not the text reaches that far.
 */
export function gpt2Starts(at: usize, stop: usize, end: usize, out: usize): usize {
  for (; at < stop; at += BLOCK) out = writeStarts(blockStarts(at, end), at, out);
  return out;
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
