// Encodes text by looking its pre-tokens up among finished encodings; what is new is merged, and kept.
import { gpt2BlockStarts } from "./gpt2_block";
import { forgettableSlots, input, keepWords, output, outputBytes, reserve, SLOT, takeSlots, wordsEnd } from "./layout";
import { merge } from "./merge";
import { GPT2, pretokenEnd } from "./patterns";
import {
  addShort,
  byteSlots,
  findOrAddLong,
  findShort,
  forgetWords,
  isShort,
  MAX_INLINE_IDS,
  numIds,
  slotsFor,
  VALUE,
} from "./words";

/** Longer pre-tokens are left to the host, which encodes them in windows. */
const MAX_WORD: u32 = 1024;
/** When the words take more slots than this (32 MB), they are forgotten: memory stays bounded, whatever the text. */
const MAX_SLOTS: u32 = 1 << 20;

/** How many ids the last call put out. */
let numOutput: u32 = 0;
export function outputLength(): u32 {
  return numOutput;
}

/**
 * Encodes the text in `input[from..length)`, from the start of a pre-token on, and puts the ids out. Returns where it
 * stopped: at the end, or where no more ids fit, or at a pre-token longer than MAX_WORD.
 */
export function encode(pattern: u32, from: u32, length: u32): u32 {
  let at = input + (from as usize);
  const end = input + (length as usize);
  let out = output;
  const outEnd = output + outputBytes - (MAX_WORD as usize) * 4;
  while (at < end && out <= outEnd) {
    if (pattern === GPT2 && at + 64 <= end && load<u8>(at) < 0x80) {
      let starts = gpt2BlockStarts(at, end);
      starts &= starts - 1;
      if (starts !== 0) {
        const block = at;
        for (; starts !== 0; starts &= starts - 1) {
          const next = block + (ctz(starts) as usize);
          out = encodeWord(at, (next - at) as u32, out);
          at = next;
        }
        continue;
      }
    }
    const next = pretokenEnd(pattern, at, end);
    if (next - at > (MAX_WORD as usize)) break;
    out = encodeWord(at, (next - at) as u32, out);
    at = next;
  }
  numOutput = ((out - output) >> 2) as u32;
  return (at - input) as u32;
}

/** The end of the pre-token that starts at `input[from]`, in a text of `length` bytes. */
export function wordEnd(pattern: u32, from: u32, length: u32): u32 {
  return (pretokenEnd(pattern, input + (from as usize), input + (length as usize)) - input) as u32;
}

/** Merges `input[from..to)` as one pre-token; the ids are in scratch, from {@linkcode wordsEnd} on. */
export function mergeWindow(from: u32, to: u32): u32 {
  const ids = wordsEnd();
  reserve(ids + ((to - from) as usize) * 4);
  return merge(input + (from as usize), to - from, ids);
}

/**
 * The pre-token `input[0..length)`, of at most MAX_WORD bytes, is the token `id`, whatever the merges make of it. To be
 * called before anything is encoded.
 */
export function keepToken(length: u32, id: u32): void {
  const word = isShort(length) ? addShort(input, length) : findOrAddLong(input, length);
  store<u32>(word, id, VALUE);
  store<u32>(word, 1, VALUE + 12);
  keepWords();
}

/** Makes all ids that were put out half as wide. */
export function narrowOutput(): void {
  for (let i: usize = 0; i < (numOutput as usize); i += 8) {
    const from = output + (i << 2);
    const low = v128.load(from);
    const high = v128.load(from, 16);
    v128.store(output + (i << 1), v128.shuffle<u16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14));
  }
}

/** @inline */
function encodeWord(at: usize, length: u32, out: usize): usize {
  let word: usize;
  if (isShort(length)) {
    word = findShort(at, length);
    if (word === 0) word = addEncoding(at, length);
  } else {
    if (forgettableSlots() > MAX_SLOTS) forgetWords();
    word = findOrAddLong(at, length);
    if (numIds(word) === 0) finishEncoding(word, at, length);
  }
  v128.store(out, v128.load(word, VALUE));
  const count = numIds(word);
  if (count > MAX_INLINE_IDS) memory.copy(out, word + SLOT + (byteSlots(word) as usize) * SLOT, count << 2);
  return out + ((count as usize) << 2);
}

function addEncoding(at: usize, length: u32): usize {
  if (forgettableSlots() > MAX_SLOTS) forgetWords();
  const word = addShort(at, length);
  finishEncoding(word, at, length);
  return word;
}

/** Writes the encoding of a word that was added last. */
function finishEncoding(word: usize, at: usize, length: u32): void {
  // The ids are made in place: after the word, where they stay if there are many.
  const ids = wordsEnd();
  reserve(ids + (length as usize) * 4);
  const count = merge(at, length, ids);
  store<u32>(word, count, VALUE + 12);
  if (count > MAX_INLINE_IDS) takeSlots(slotsFor(count * 4));
  else memory.copy(word + VALUE, ids, count << 2);
}
