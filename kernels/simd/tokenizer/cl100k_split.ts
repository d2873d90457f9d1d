// The patterns of cl100k and o200k on 64 bytes at once, as gpt2_split.ts does GPT-2's. They are in patterns.ts.
//
// o200k divides words where upper case follows lower case. With letters that have no case, and marks, it is not so simple:
// where there are any, pre-tokens are found one after the other.
import {
  APOSTROPHES,
  beginBlocks,
  bits,
  BLOCK,
  classifyWide,
  digit,
  equal,
  isWhite,
  isWideCaseless,
  joined,
  lastWideWhites,
  letter,
  NEWLINES,
  nextTails,
  RETURNS,
  SLASHES,
  SPACES,
  upper,
  white,
  wideDigits,
  wideLetters,
  wideTails,
  wideUppers,
  wideWhites,
  writeStarts,
} from "./blocks";
import { anyCaseContractionLength, charAt, SPACE } from "./chars";
import { O200K, pretokenEnd } from "./patterns";

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
/** Lower-case letters, for o200k. */
let lowers: u64 = 0;
/** Starts in the next block that the last contraction of this one makes, and unmakes; and where it ends. */
let startsAfter: u64 = 0;
let noStartsAfter: u64 = 0;
let contractionEnd: usize = 0;
/** Whether the last block must be split in another way. */
let isHard: bool = false;
/** Where the splitter has got to. */
export let splitAt: usize = 0;

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
    lowers =
      0;
  groupSize = 0;
  startsAfter = noStartsAfter = 0;
  contractionEnd = 0;
  beginBlocks();
}

/**
 * As `gpt2Starts`. `joinsSpaceAtEnd` tells whether white space at the end of the text is one pre-token, newlines or not.
 * Afterwards {@linkcode splitAt} is where the next block begins.
 */
export function cl100kStarts(at: usize, stop: usize, end: usize, joinsSpaceAtEnd: bool, out: usize): usize {
  for (; at < stop; at += BLOCK) out = writeStarts(blockStarts(at, end, joinsSpaceAtEnd, false), at, out);
  splitAt = at;
  return out;
}

/**
 * As `gpt2Starts`, but up to {@linkcode splitAt}, which may lie behind `stop`. The last start before `at` is right in front of
 * `out`, unless `out` is `first`.
 */
export function o200kStarts(at: usize, stop: usize, end: usize, first: usize, out: usize): usize {
  while (at < stop) {
    const starts = blockStarts(at, end, false, true);
    if (!isHard) {
      out = writeStarts(starts, at, out);
      at += BLOCK;
      continue;
    }
    const blockEnd = min(at + BLOCK, end);
    if (out === first) {
      store<u32>(out, at as u32);
      out += 4;
    }
    at = pretokenEnd(O200K, load<u32>(out - 4), end);
    for (; at < blockEnd; at = pretokenEnd(O200K, at, end)) {
      store<u32>(out, at as u32);
      out += 4;
    }
    beginCl100kSplit();
  }
  splitAt = at;
  return out;
}

/** Bit i is set if a pre-token starts at `at + i`. @inline */
function blockStarts(at: usize, end: usize, joinsSpaceAtEnd: bool, isO200k: bool): u64 {
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
  let u: u64 = isO200k ? bits(upper(va), upper(vb), upper(vc), upper(vd)) : 0;
  let lastWide: u64 = 0;
  let tails: u64 = 0;
  isHard = false;
  if (wide !== 0) {
    classifyWide(at, end, wide);
    if (isO200k && isWideCaseless) {
      isHard = true;
      return 0;
    }
    if (isO200k) u = (u & ~wide) | wideUppers;
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
  let o = ~(l | n | w);
  // White space without newlines.
  const b = w & ~r;

  // Newlines behind other characters are theirs, for o200k slashes behind newlines too; what is said of white space and other
  // characters below is without them.
  let t: u64;
  if (isO200k) {
    const runs = r | bits(equal(va, SLASHES), equal(vb, SLASHES), equal(vc, SLASHES), equal(vd, SLASHES)) & o;
    const heads = (r & joined(o, others)) | (runs & taken >> 63);
    t = (runs & ~(runs + heads)) | heads;
    o &= ~t;
  } else {
    t = ranFrom(joined(o, others) | taken >> 63, r);
  }
  // Other characters start a pre-token, or the space before them does. The first one starts a word if letters follow it.
  const otherStarts = o & ~joined(o, others) & ~joined(s, spaces);
  const first = otherStarts | ranFrom(joined(otherStarts, firsts), tails & o);
  const ws = w & ~t;
  r &= ~t;

  // Letters start a pre-token where nothing before them does: blanks do, whose last one is a start itself.
  let letterStarts = l & ~(joined(l, letters) | joined(b, blanks) | joined(first, firsts));
  if (isO200k) letterStarts |= u & joined(l & ~u, lowers);
  let digitStarts = n & ~joined(n, digits);
  // So many digits in a row need more than one group, or a look at other blocks.
  if (((n & n << 1 & n << 2 & n << 3) | (n & joined(0, digits)) | n >> 63) !== 0) digitStarts = groups(n, n & ~tails);
  // White space starts one after other text; so does its last character before other text, unless it is a newline; and so
  // do the blanks behind its last newline.
  const lastBlanks = (b & ~wide & ~(w >> 1 | (isWhite(at + BLOCK, end) as u64) << 63)) | lastWide;
  let lineStarts = b & joined(r, newlines);
  if (lineStarts !== 0) lineStarts = lastLines(lineStarts, b, r, at, end, joinsSpaceAtEnd);
  let starts = otherStarts | letterStarts | digitStarts | (ws & ~joined(ws, whites)) | lastBlanks | lineStarts;
  starts = (starts & ~noStartsAfter | startsAfter) & inText;
  const wordsBefore = joined(l, letters);

  letters = l;
  digits = n;
  others = o;
  spaces = s;
  blanks = b;
  whites = ws;
  newlines = r;
  taken = t;
  firsts = first;
  lowers = l & ~u;
  startsAfter = noStartsAfter = 0;
  // A contraction is a pre-token; for o200k, the end of one: that of a word.
  for (apostrophes &= isO200k ? wordsBefore : starts; apostrophes !== 0; apostrophes &= apostrophes - 1) {
    const i = ctz(apostrophes);
    const place = at + (i as usize);
    if (isO200k && place === contractionEnd) continue;
    const length = anyCaseContractionLength(place, end) as u64;
    if (length === 0) continue;
    if (isO200k) {
      contractionEnd = place + (length as usize);
      starts &= ~((((1 as u64) << length) - 1) << i);
      if (i + length > 64) noStartsAfter = ((1 as u64) << (i + length - 64)) - 1;
    }
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
