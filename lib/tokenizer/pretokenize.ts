// Splits UTF-8 bytes into pre-tokens, as GPT-2's regular expression would split the text:
//   '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"; \s is \p{White_Space}.
import { CharClass } from "./char_class.ts";
import { charAt } from "./char_class_table.ts";

const SPACE = 0x20;
const APOSTROPHE = 0x27;
// What kind of run a character belongs to: the pattern knows letters, numbers, white space and the rest.
const RUN_SPACE = 1, RUN_NUMBER = 2, RUN_LETTER = 3;
const RUN_OF_CLASS = new Uint8Array(8); // 0: the rest
RUN_OF_CLASS[CharClass.SPACE] = RUN_SPACE;
RUN_OF_CLASS[CharClass.NUMBER] = RUN_NUMBER;
RUN_OF_CLASS[CharClass.UPPER] = RUN_OF_CLASS[CharClass.LOWER] = RUN_OF_CLASS[CharClass.CASELESS] = RUN_LETTER;
const RUN_OF_ASCII = new Uint8Array(128);
for (let byte = 0; byte < 128; byte++) RUN_OF_ASCII[byte] = RUN_OF_CLASS[charAt(new Uint8Array([byte]), 0, 1) & 7];

/**
 * The end of the pre-token that starts at `start`; the text ends at `end`, and `start < end`.
 * `start` must be where a pre-token starts.
 */
export function pretokenEnd(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  if (first === APOSTROPHE) {
    const length = contractionLength(bytes, start, end);
    if (length > 0) return start + length;
  }
  // A space joins the run after it, unless that is white space too.
  let at = start;
  if (first === SPACE && start + 1 < end) {
    const next = bytes[start + 1];
    const run = next < 0x80 ? RUN_OF_ASCII[next] : RUN_OF_CLASS[charAt(bytes, start + 1, end) & 7];
    if (run !== RUN_SPACE) at = start + 1;
  }
  const run = bytes[at] < 0x80 ? RUN_OF_ASCII[bytes[at]] : RUN_OF_CLASS[charAt(bytes, at, end) & 7];
  let last = at; // start of the run's last character
  while (at < end) {
    const byte = bytes[at];
    if (byte < 0x80) {
      if (RUN_OF_ASCII[byte] !== run) break;
      last = at++;
    } else {
      const char = charAt(bytes, at, end);
      if (RUN_OF_CLASS[char & 7] !== run) break;
      last = at;
      at += char >> 3;
    }
  }
  // \s+(?!\S): before other text a run of white space gives up its last character, if it has more than one.
  return run === RUN_SPACE && at < end && last > start ? last : at;
}

/** Length of 's, 'd, 'm, 't, 'll, 've or 're at `start`, where there is an apostrophe; 0 if none is there. */
function contractionLength(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 >= end) return 0;
  const a = bytes[start + 1];
  if (a === 0x73 || a === 0x64 || a === 0x6d || a === 0x74) return 2;
  if (start + 2 >= end) return 0;
  const b = bytes[start + 2];
  return (a === 0x6c && b === 0x6c) || ((a === 0x76 || a === 0x72) && b === 0x65) ? 3 : 0;
}
