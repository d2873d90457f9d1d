// From UTF-8 to classes of characters. The numbers of the classes are those of lib/tokenizer/pretokenize/char_class.ts.
import { classes } from "./layout";

export const OTHER: u32 = 0;
export const SPACE: u32 = 1;
export const NUMBER: u32 = 2;
export const UPPER: u32 = 3;
export const LOWER: u32 = 4;
export const CASELESS: u32 = 5;
export const MARK: u32 = 6;

/**
 * The character that starts at `at`: its class in the low 3 bits, its length in bytes above them. A byte that starts no
 * valid UTF-8 sequence before `end` is a character of its own, of class `OTHER`.
 */
export function charAt(at: usize, end: usize): u32 {
  const lead: u32 = load<u8>(at);
  if (lead < 0x80) return classOf(lead) | 8;
  const second = trail(at + 1, end);
  if (lead < 0xc2 || lead > 0xf4 || second > 0x3f) return 8;
  if (lead < 0xe0) return classOf((lead & 0x1f) << 6 | second) | 16;
  const third = trail(at + 2, end);
  if (third > 0x3f) return 8;
  if (lead < 0xf0) {
    const codePoint = (lead & 0x0f) << 12 | second << 6 | third;
    const isSurrogate = (codePoint & 0xf800) === 0xd800;
    return codePoint < 0x800 || isSurrogate ? 8 : classOf(codePoint) | 24;
  }
  const fourth = trail(at + 3, end);
  const codePoint = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth;
  if (fourth > 0x3f || codePoint < 0x10000 || codePoint > 0x10ffff) return 8;
  return classOf(codePoint) | 32;
}

/** The 6 bits of a continuation byte; more than 0x3f if there is none. @inline */
function trail(at: usize, end: usize): u32 {
  return at < end ? (load<u8>(at) as u32) ^ 0x80 : 0xff;
}

/** @inline */
function classOf(codePoint: u32): u32 {
  return load<u8>(classes + codePoint) as u32;
}

/** Whether a class is `\p{L}`. @inline */
export function isLetter(charClass: u32): bool {
  return charClass - UPPER <= CASELESS - UPPER;
}

/** The end of the characters of one class from `at` on. */
export function classEnd(at: usize, end: usize, charClass: u32): usize {
  while (at < end) {
    const char = charAt(at, end);
    if ((char & 7) !== charClass) break;
    at += char >> 3;
  }
  return at;
}

/** The end of the letters from `at` on. */
export function lettersEnd(at: usize, end: usize): usize {
  while (at < end) {
    const char = charAt(at, end);
    if (!isLetter(char & 7)) break;
    at += char >> 3;
  }
  return at;
}

/** The end of the characters from `at` on that are neither white space, letter nor number. */
export function othersEnd(at: usize, end: usize): usize {
  while (at < end) {
    const char = charAt(at, end);
    const charClass = char & 7;
    if (charClass !== OTHER && charClass !== MARK) break;
    at += char >> 3;
  }
  return at;
}

/**
 * The end of white space as `\s+(?!\S)|\s+` takes it: all of it at the end of the text; before other text a run gives up
 * its last character, if it has more than one.
 */
export function spacesEnd(at: usize, end: usize): usize {
  const start = at;
  let last = at;
  while (at < end) {
    const char = charAt(at, end);
    if ((char & 7) !== SPACE) return last > start ? last : at;
    last = at;
    at += char >> 3;
  }
  return at;
}

/** Length of 's, 'd, 'm, 't, 'll, 've or 're at `at`, where there is an apostrophe; 0 if none is there. */
export function contractionLength(at: usize, end: usize): u32 {
  if (at + 1 >= end) return 0;
  const first = load<u8>(at, 1);
  if (first === 0x73 || first === 0x64 || first === 0x6d || first === 0x74) return 2;
  if (at + 2 >= end) return 0;
  const second = load<u8>(at, 2);
  return (first === 0x6c && second === 0x6c) || ((first === 0x76 || first === 0x72) && second === 0x65) ? 3 : 0;
}

/** The same without regard to case. By Unicode's case folding, U+017F (ſ) is an s too. */
export function anyCaseContractionLength(at: usize, end: usize): u32 {
  if (at + 1 >= end) return 0;
  const first = load<u8>(at, 1) | 0x20;
  if (first === 0x73 || first === 0x64 || first === 0x6d || first === 0x74) return 2;
  if (at + 2 >= end) return 0;
  if (load<u8>(at, 1) === 0xc5 && load<u8>(at, 2) === 0xbf) return 3;
  const second = load<u8>(at, 2) | 0x20;
  return (first === 0x6c && second === 0x6c) || ((first === 0x76 || first === 0x72) && second === 0x65) ? 3 : 0;
}
