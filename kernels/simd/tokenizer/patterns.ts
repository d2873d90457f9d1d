// Pre-tokens of each pattern, found one at a time. `\s` is \p{White_Space}.
import {
  anyCaseContractionLength,
  CASELESS,
  charAt,
  classEnd,
  contractionLength,
  isLetter,
  lettersEnd,
  LOWER,
  MARK,
  NUMBER,
  OTHER,
  othersEnd,
  SPACE,
  spacesEnd,
  UPPER,
} from "./chars";
import { input, PADDING } from "./layout";

// The numbers are those of lib/tokenizer/pretokenize/patterns.ts.
export const GPT2: u32 = 0;
export const CL100K: u32 = 1;
export const CL100K_ORIGINAL: u32 = 2;
export const O200K: u32 = 3;
/** The host has split the text: behind it, and {@linkcode PADDING}, a byte for each of its own is 1 where a word starts. */
export const GIVEN: u32 = 4;

const APOSTROPHE: u8 = 0x27;

/** The end of the pre-token that starts at `at`, in a text that ends at `end`; `at < end`. */
export function pretokenEnd(pattern: u32, at: usize, end: usize): usize {
  if (pattern === GPT2) return gpt2End(at, end);
  if (pattern === GIVEN) return givenEnd(at, end);
  return pattern === O200K ? o200kEnd(at, end) : cl100kEnd(at, end, pattern === CL100K);
}

/** Up to the next start that the host has marked. */
function givenEnd(at: usize, end: usize): usize {
  const marks = end + PADDING - input;
  do at++; while (at < end && load<u8>(marks + at) === 0);
  return at;
}

/**
 *   '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"
 */
function gpt2End(start: usize, end: usize): usize {
  const first = load<u8>(start);
  if (first === APOSTROPHE) {
    const length = contractionLength(start, end);
    if (length > 0) return start + length;
  }
  let at = start;
  let char = charAt(at, end);
  // A space joins the run after it, unless that is white space too.
  if (first === 0x20 && start + 1 < end) {
    const next = charAt(start + 1, end);
    if ((next & 7) === SPACE) return spacesEnd(start, end);
    at++;
    char = next;
  }
  const charClass = char & 7;
  if (charClass === SPACE) return spacesEnd(start, end);
  at += char >> 3;
  if (charClass === NUMBER) return classEnd(at, end, NUMBER);
  return isLetter(charClass) ? lettersEnd(at, end) : othersEnd(at, end);
}

/**
 *   '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]+|\s+(?!\S)|\s+
 * The original pattern, which files of other tools hold, lacks `\s+$`; tiktoken has it since 0.8.
 * Source: https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py
 */
function cl100kEnd(start: usize, end: usize, joinsSpaceAtEnd: bool): usize {
  const first = load<u8>(start);
  if (first === APOSTROPHE) {
    const length = anyCaseContractionLength(start, end);
    if (length > 0) return start + length;
  }
  const char = charAt(start, end);
  const charClass = char & 7;
  const second = start + (char >> 3);
  if (isLetter(charClass)) return lettersEnd(second, end);
  if (charClass === NUMBER) return numbersEnd(second, end);
  if (!isNewline(first) && second < end && isLetter(charAt(second, end) & 7)) return lettersEnd(second, end);
  if (charClass !== SPACE) return newlinesEnd(othersEnd(second, end), end, false);
  if (first === 0x20 && second < end) {
    const nextClass = charAt(second, end) & 7;
    if (nextClass === OTHER || nextClass === MARK) return newlinesEnd(othersEnd(second, end), end, false);
  }
  if (joinsSpaceAtEnd && classEnd(second, end, SPACE) === end) return end;
  return spacesOrNewlinesEnd(start, end);
}

/**
 * With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W = [\p{Ll}\p{Lm}\p{Lo}\p{M}] and C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *   [^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * Source: https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py
 */
function o200kEnd(start: usize, end: usize): usize {
  const first = load<u8>(start);
  const char = charAt(start, end);
  const charClass = char & 7;
  const second = start + (char >> 3);
  if (charClass === NUMBER) return numbersEnd(second, end);
  // The first alternative takes the character before the word if it can; so does the second.
  const takesFirst = !isLetter(charClass) && !isNewline(first);
  let wordEnd: usize = 0;
  if (takesFirst) wordEnd = lowerWordEnd(second, end);
  if (wordEnd === 0 && (isLetter(charClass) || charClass === MARK)) wordEnd = lowerWordEnd(start, end);
  if (wordEnd === 0 && takesFirst) wordEnd = upperWordEnd(second, end);
  if (wordEnd === 0 && isLetter(charClass)) wordEnd = upperWordEnd(start, end);
  if (wordEnd !== 0) {
    if (wordEnd < end && load<u8>(wordEnd) === APOSTROPHE) wordEnd += anyCaseContractionLength(wordEnd, end);
    return wordEnd;
  }
  if (charClass !== SPACE) return newlinesEnd(othersEnd(second, end), end, true);
  if (first === 0x20 && second < end) {
    const nextClass = charAt(second, end) & 7;
    if (nextClass === OTHER || nextClass === MARK) return newlinesEnd(othersEnd(second, end), end, true);
  }
  return spacesOrNewlinesEnd(start, end);
}

/** The end of U*W+ from `at` on, or 0. */
function lowerWordEnd(at: usize, end: usize): usize {
  // U* takes all it can. If W+ then finds nothing, U* gives back down to the last character that W has too.
  let lastShared: usize = 0;
  while (at < end) {
    const char = charAt(at, end);
    const charClass = char & 7;
    if (charClass === LOWER) break;
    if (charClass !== UPPER && charClass !== CASELESS && charClass !== MARK) return lastShared;
    at += char >> 3;
    if (charClass !== UPPER) lastShared = at;
  }
  if (at >= end) return lastShared;
  while (at < end) {
    const char = charAt(at, end);
    const charClass = char & 7;
    if (charClass !== LOWER && charClass !== CASELESS && charClass !== MARK) break;
    at += char >> 3;
  }
  return at;
}

/** The end of U+W* from `at` on, or 0, where U*W+ matches nothing: there U+ finds but upper case, and W* nothing. */
function upperWordEnd(at: usize, end: usize): usize {
  const wordEnd = classEnd(at, end, UPPER);
  return wordEnd > at ? wordEnd : 0;
}

/** The end of \p{N}{1,3} whose first character ended at `at`. */
function numbersEnd(at: usize, end: usize): usize {
  for (let i = 0; i < 2 && at < end; i++) {
    const char = charAt(at, end);
    if ((char & 7) !== NUMBER) break;
    at += char >> 3;
  }
  return at;
}

/** The end of [\r\n]*, or of [\r\n/]*. */
function newlinesEnd(at: usize, end: usize, orSlash: bool): usize {
  while (at < end && (isNewline(load<u8>(at)) || (orSlash && load<u8>(at) === 0x2f))) at++;
  return at;
}

/** The end of \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last newline of the white space, if it has one. */
function spacesOrNewlinesEnd(start: usize, end: usize): usize {
  let afterNewline: usize = 0;
  for (let at = start; at < end;) {
    const char = charAt(at, end);
    if ((char & 7) !== SPACE) break;
    at += char >> 3;
    if (isNewline(load<u8>(at - 1))) afterNewline = at;
  }
  return afterNewline !== 0 ? afterNewline : spacesEnd(start, end);
}

/** @inline */
function isNewline(byte: u8): bool {
  return byte === 0x0a || byte === 0x0d;
}
