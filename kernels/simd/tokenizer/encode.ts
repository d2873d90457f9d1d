// Encodes text by looking its pre-tokens up among finished encodings; what is new is merged, and kept.
import { addWhole } from "./encodings";
import {
  CHUNK,
  forgettableSlots,
  idShift,
  input,
  keepWords,
  output,
  outputBytes,
  OVERHANG,
  reserve,
  starts,
  wordsEnd,
} from "./layout";
import { lookUp, putIds } from "./lookup";
import { merge } from "./merge";
import { pretokenEnd } from "./patterns";
import { beginSplit, isSplit, splitChunk, splitEnd } from "./split";
import { forgetWords } from "./words";

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
  // A chunk has at most an id for each byte, of the pre-token that began before it too.
  const outEnd = output + outputBytes - ((CHUNK + OVERHANG + (MAX_WORD as usize)) << (idShift as usize));
  beginSplit(at);
  while (at < end && out <= outEnd) {
    if (forgettableSlots() > MAX_SLOTS) forgetWords();
    const split = splitChunk(pattern, end);
    const count = lookUp(split, MAX_WORD);
    out = putIds(count, out);
    at = load<u32>(starts + ((count as usize) << 2));
    // What begins last may be too long already, wherever it ends.
    if (count < split || (!isSplit(end) && splitEnd() - at > (MAX_WORD as usize))) break;
  }
  numOutput = ((out - output) >> (idShift as usize)) as u32;
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
  addWhole(input, length, id);
  keepWords();
}
