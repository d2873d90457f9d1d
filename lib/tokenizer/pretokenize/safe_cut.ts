// Finds places to cut a text so that its two parts, pre-tokenized separately, give the same as the whole.
//
// A cut is safe between a letter or number and a following character that is white space or "other" (not a letter, number,
// mark, or apostrophe), if no special token reaches across it:
// - no alternative of the patterns contains such a neighbourhood: after its letters or numbers each ends, but for the
//   contractions of o200k, which go on with an apostrophe. So a pre-token ends there, with or without the text after it;
// - no pattern looks behind, so the text after the cut splits alike, with or without the text before it;
// - specials are found left to right, and none begins before the cut and ends after it.
// A tokenizer whose text is split otherwise, or changed before, has a rule of its own: see text_preparation.ts.
import { CharClass } from "./char_class.ts";
import { charAt } from "./char_class_table.ts";
import type { SpecialTokens } from "./special_tokens.ts";

/** Tells whether a text may be cut before `bytes[p]`, of a stretch from `start` to `end`, as far as words go. */
export interface CutRule {
  mayCut(bytes: Uint8Array, start: number, p: number, end: number): boolean;
  /** What becomes of a character that a text may be cut before or after, if characters are changed. */
  characterOf(char: number): number;
  /** Whether something is put before a text, and after each special token: then no cut may be beside one. */
  readonly changesBeginnings: boolean;
}

/** Bytes of the longest character. */
export const MAX_CHAR_BYTES = 4;
const APOSTROPHE = 0x27;

/**
 * The last safe cut in `bytes[start..end)`, a position `p` with `after < p < end`; -1 if there is none.
 * More text may follow `end`; at `start` a pre-token or a special token starts.
 */
export function lastSafeCut(
  bytes: Uint8Array,
  start: number,
  end: number,
  specials: SpecialTokens,
  after: number = start,
): number {
  for (let p = end - 1; p > after; p--) if (isSafeCut(bytes, start, p, end, specials)) return p;
  return -1;
}

/**
 * The first safe cut in `bytes`, a position `p` with `from <= p < to`; -1 if there is none. Text may come before and after
 * the bytes: of it at least the length of the longest special, and of a character, must be there if there is so much.
 */
export function firstSafeCut(bytes: Uint8Array, from: number, to: number, specials: SpecialTokens): number {
  for (let p = Math.max(1, from); p < to; p++) if (isSafeCut(bytes, 0, p, bytes.length, specials)) return p;
  return -1;
}

/** Whether text may be cut before `bytes[p]`. */
function isSafeCut(bytes: Uint8Array, start: number, p: number, end: number, specials: SpecialTokens): boolean {
  const mayCut = specials.cuts?.mayCut(bytes, start, p, end) ?? mayCutForScanners(bytes, start, p, end);
  return mayCut && !specials.mayReachAcross(bytes, start, p, end);
}

/** The rule of the kernel's scanners. */
function mayCutForScanners(bytes: Uint8Array, start: number, p: number, end: number): boolean {
  const byte = bytes[p];
  if (byte === APOSTROPHE || (byte & 0xc0) === 0x80) return false;
  const next = charAt(bytes, p, end);
  const nextClass = next & 7;
  if (nextClass !== CharClass.SPACE && nextClass !== CharClass.OTHER) return false;
  if (byte >= 0x80 && next >> 3 === 1) return false; // invalid, or not complete yet
  const previous = charClassBefore(bytes, start, p);
  return previous >= CharClass.NUMBER && previous <= CharClass.CASELESS;
}

/** The class of the character that ends at `p`, or `OTHER` if it does not start at or after `start`. */
function charClassBefore(bytes: Uint8Array, start: number, p: number): number {
  for (let length = 1; length <= MAX_CHAR_BYTES && p - length >= start; length++) {
    if ((bytes[p - length] & 0xc0) === 0x80) continue;
    const char = charAt(bytes, p - length, p);
    return char >> 3 === length ? char & 7 : CharClass.OTHER;
  }
  return CharClass.OTHER;
}
