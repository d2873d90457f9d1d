// cl100k's pattern on 64 bytes at once, as gpt2_split.ts does GPT-2's. The pattern is in patterns.ts.
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
  NEWLINES,
  nextTails,
  RETURNS,
  SPACES,
  white,
  wideDigits,
  wideLetters,
  wideTails,
  wideWhites,
  writeStarts,
} from "./blocks";
import { anyCaseContractionLength, charAt, SPACE } from "./chars";

/** Of the last block, of whose masks only the highest bits matter: what is said of each below. */
let letters: u64 = 0;
let digits: u64 = 0;
let others: u64 = 0;
let spaces: u64 = 0;
let blanks: u64 = 0;
let whites: u64 = 0;
let newlines: u64 = 0;
let taken: u64 = 0;
let firsts: u64 = 0;
/** How many characters the last block's last group of digits has, if more may follow. */
let groupSize: u32 = 0;
/** The start in the next block that the last contraction of this one makes. */
let startsAfter: u64 = 0;

/** The next block begins with a pre-token. */
export function beginCl100kSplit(): void {
  letters =
    digits =
    others =
    spaces =
    blanks =
    whites =
    newlines =
    taken =
    firsts =
      0;
  groupSize = 0;
  startsAfter = 0;
  beginBlocks();
}

/** As `gpt2Starts`. `joinsSpaceAtEnd` tells whether white space at the end of the text is one pre-token, newlines or not. */
export function cl100kStarts(at: usize, stop: usize, end: usize, joinsSpaceAtEnd: bool, out: usize): usize {
  for (; at < stop; at += BLOCK) out = writeStarts(blockStarts(at, end, joinsSpaceAtEnd), at, out);
  return out;
}

/** Bit i is set if a pre-token starts at `at + i`. @inline */
function blockStarts(at: usize, end: usize, joinsSpaceAtEnd: bool): u64 {
  const va = v128.load(at);
  const vb = v128.load(at, 16);
  const vc = v128.load(at, 32);
  const vd = v128.load(at, 48);
  const inText: u64 = at + BLOCK > end ? ((1 as u64) << (end - at)) - 1 : -1;
  const wide = bits(va, vb, vc, vd) & inText;
  let l = bits(letter(va), letter(vb), letter(vc), letter(vd));
  let n = bits(digit(va), digit(vb), digit(vc), digit(vd));
  let w = bits(white(va), white(vb), white(vc), white(vd));
  const s = bits(equal(va, SPACES), equal(vb, SPACES), equal(vc, SPACES), equal(vd, SPACES));
  let r = bits(newline(va), newline(vb), newline(vc), newline(vd)) & inText;
  let apostrophes = bits(
    equal(va, APOSTROPHES),
    equal(vb, APOSTROPHES),
    equal(vc, APOSTROPHES),
    equal(vd, APOSTROPHES),
  );
  let lastWide: u64 = 0;
  let tails: u64 = 0;
  if (wide !== 0) {
    classifyWide(at, end, wide);
    l = (l & ~wide) | wideLetters;
    n = (n & ~wide) | wideDigits;
    w = (w & ~wide) | wideWhites;
    lastWide = lastWideWhites;
    tails = wideTails;
  }
  // What lies behind the text is as good as white space.
  l &= inText;
  n &= inText;
  w |= ~inText;
  const o = ~(l | n | w);
  // White space without newlines.
  const b = w & ~r;

  // Other characters start a pre-token, or the space before them does. The first one starts a word if letters follow it.
  const otherStarts = o & ~joined(o, others) & ~joined(s, spaces);
  const first = otherStarts | ranFrom(joined(otherStarts, firsts), tails & o);
  // Newlines behind other characters are theirs; what is said of white space below is without them.
  const t = ranFrom(joined(o, others) | taken >> 63, r);
  const ws = w & ~t;
  r &= ~t;

  // Letters start a pre-token where nothing before them does: blanks do, whose last one is a start itself.
  const letterStarts = l & ~(joined(l, letters) | joined(b, blanks) | joined(first, firsts));
  let digitStarts = n & ~joined(n, digits);
  // So many digits in a row need more than one group, or a look at other blocks.
  if (((n & n << 1 & n << 2 & n << 3) | (n & joined(0, digits)) | n >> 63) !== 0) digitStarts = groups(n, n & ~tails);
  // White space starts one after other text; so does its last character before other text, unless it is a newline; and so
  // do the blanks behind its last newline.
  const lastBlanks = (b & ~wide & ~(w >> 1 | (isWhite(at + BLOCK, end) as u64) << 63)) | lastWide;
  let lineStarts = b & joined(r, newlines);
  if (lineStarts !== 0) lineStarts = lastLines(lineStarts, b, r, at, end, joinsSpaceAtEnd);
  let starts = otherStarts | letterStarts | digitStarts | (ws & ~joined(ws, whites)) | lastBlanks | lineStarts;
  starts = (starts | startsAfter) & inText;

  letters = l;
  digits = n;
  others = o;
  spaces = s;
  blanks = b;
  whites = ws;
  newlines = r;
  taken = t;
  firsts = first;
  startsAfter = 0;
  for (apostrophes &= starts; apostrophes !== 0; apostrophes &= apostrophes - 1) {
    const i = ctz(apostrophes);
    const length = anyCaseContractionLength(at + (i as usize), end) as u64;
    if (length === 0) continue;
    if (i + length < 64) starts |= (1 as u64) << (i + length) & inText;
    else startsAfter = (1 as u64) << (i + length - 64);
  }
  return starts;
}

/** @inline */
function newline(bytes: v128): v128 {
  return v128.or(equal(bytes, NEWLINES), equal(bytes, RETURNS));
}

/** The runs of `runs` whose first bits are in `heads`. @inline */
function ranFrom(heads: u64, runs: u64): u64 {
  // The sum carries from the head of a run to its end.
  return runs & ~(runs + (heads & runs & ~(runs << 1)));
}

/** Of lines' first blanks, in `lineStarts`, those whose white space has no further newline. */
function lastLines(lineStarts: u64, b: u64, r: u64, at: usize, end: usize, joinsSpaceAtEnd: bool): u64 {
  const sum = b + lineStarts;
  // As a rule, no blanks go on behind the block, and none end with a newline.
  if (sum >= b && (sum & ~b & r) === 0) return lineStarts;
  let last: u64 = 0;
  for (let todo = lineStarts; todo !== 0; todo &= todo - 1) {
    const i = ctz(todo);
    const after = i + ctz(~(b >> i));
    let isLast: bool;
    if (after < 64) isLast = (r >> after & 1) === 0;
    else isLast = isLastLine(at + BLOCK + (popcnt(nextTails) as usize), end, joinsSpaceAtEnd);
    if (isLast) last |= (1 as u64) << i;
  }
  return last;
}

/** Whether white space that goes on at `at` has no newline there, and ends before the text does if that matters. */
function isLastLine(at: usize, end: usize, joinsSpaceAtEnd: bool): bool {
  while (at < end) {
    const char = charAt(at, end);
    if ((char & 7) !== SPACE) return true;
    const byte = load<u8>(at);
    if (byte === 0x0a || byte === 0x0d) return false;
    at += char >> 3;
  }
  return !joinsSpaceAtEnd;
}

/** Where groups of three digits start. `n` has all bytes of digits, `d` their first ones. */
function groups(n: u64, d: u64): u64 {
  let starts: u64 = 0;
  let size = groupSize;
  const before = joined(n, digits);
  for (; d !== 0; d &= d - 1) {
    const i = ctz(d);
    if ((before >> i & 1) === 0) size = 0;
    if (size === 0) starts |= (1 as u64) << i;
    size = size === 2 ? 0 : size + 1;
  }
  groupSize = size;
  return starts;
}
