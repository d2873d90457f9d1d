// Where things lie in memory, from low to high:
//   classes of code points | starts of pre-tokens | tables of merges | frequent words | ids put out | text put in |
//   index of words | words … | scratch
// What is fixed comes first. The words grow at the end; scratch above them lasts until the next word is added.

/** Bytes per slot of the words' memory. */
export const SLOT: usize = 32;
/** Bytes that may be read, or written, past the end of the text and of the ids: a vector's width, and more. */
export const PADDING: usize = 128;

/** Class of every code point, a byte each. */
export let classes: usize = 0;
/** Where pre-tokens start: see split.ts. */
export let starts: usize = 0;
/** Those among them that are not frequent words, and what is known of some: see lookup.ts. */
export let missed: usize = 0;
export let misses: usize = 0;
/** Token id of every byte, u32. */
export let byteIds: usize = 0;
/** Where merging keeps the parts of a word. */
export let parts: usize = 0;
/** Rank << 8 of every pair of bytes, u32; `NO_KEY` where they do not merge. */
export let bytePairs: usize = 0;
/** Each merge by rank, 16 bytes: its pair of tokens, left << 32 | right (u64), the token that it makes (u32), unused. */
export let merges: usize = 0;
/** The ranks of pairs, open addressing: a part of the pair's hash << 24 | rank + 1 (u32); 0 where free. */
export let pairs: usize = 0;
export let pairMask: u32 = 0;
/** Copies of frequent words: see lookup.ts. */
export let frequent: usize = 0;
/** Ids put out, u32; or u16, if `idShift` is 1. */
export let output: usize = 0;
export let outputBytes: usize = 0;
/** The width of ids, as a shift: 1 if they are u16, 2 if they are u32. */
export let idShift: u32 = 2;
/** Text put in. */
export let input: usize = 0;
export let inputBytes: usize = 0;
/** Slot of each word by hash, u32; 0 where free. */
export let index: usize = 0;
export let indexBits: u32 = 0;
/** The words: see words.ts. Slot 0 is not used. */
export let words: usize = 0;
/** The first free slot. */
export let nextSlot: u32 = 0;
export let numWords: u32 = 0;
/** The first slot behind the words that are never forgotten, and how many those are. */
let keptEnd: u32 = 1;
let keptWords: u32 = 0;

const FIRST_INDEX_BITS: u32 = 12;
const PARTS_BYTES: usize = 3 * 1024;

/** Text is split into pre-tokens in chunks of this many bytes, which stay in the first-level cache. */
export const CHUNK: usize = 4096;
/** The last block of a chunk may reach so far behind it. */
export const OVERHANG: usize = 64;
/** A start per byte of a chunk, one before, the end, and a block's garbage. */
const STARTS_BYTES: usize = (CHUNK + OVERHANG + 2) * 4 + 64;
/** 256 entries. */
const MISSES_BYTES: usize = 256 * 32;
/** So far behind a start is the address of the word that it is. */
export const FOUND: usize = (STARTS_BYTES + 63) & ~63;
/** How many frequent words are kept, as a power of two: 1 MB of them, a part of a second-level cache. */
export const FREQUENT_BITS: u32 = 15;

/** The host throws, and says it better than a trap would. */
declare function outOfMemory(): void;

/**
 * Lays out memory for `numMerges` merges, pieces of text of `inputSize` bytes, and `outputSize` bytes of ids of `idBytes`
 * bytes each. If `outputSize` is 0, words are only counted.
 */
export function init(numMerges: u32, inputSize: u32, outputSize: u32, idBytes: u32): void {
  idShift = idBytes >> 1;
  let pairSlots: u32 = 16;
  while (pairSlots < numMerges * 2) pairSlots <<= 1;
  pairMask = pairSlots - 1;
  let at = align(__heap_base);
  classes = at;
  at = align(at + 0x110000);
  starts = at;
  at = align(at + FOUND + STARTS_BYTES);
  missed = at;
  at = align(at + STARTS_BYTES);
  misses = at;
  at = align(at + MISSES_BYTES);
  byteIds = at;
  at = align(at + 256 * 4);
  parts = at;
  at = align(at + PARTS_BYTES);
  bytePairs = at;
  at = align(at + 0x10000 * 4);
  merges = at;
  at = align(at + (numMerges as usize) * 16);
  pairs = at;
  at = align(at + (pairSlots as usize) * 4);
  frequent = at;
  if (outputSize > 0) at += SLOT << FREQUENT_BITS;
  output = at;
  outputBytes = align(outputSize);
  at = align(at + outputBytes + PADDING);
  input = at;
  inputBytes = align(inputSize);
  index = align(at + inputBytes + PADDING);
  clearWords();
}

/** Forgets all words. */
function clearWords(): void {
  indexBits = FIRST_INDEX_BITS;
  words = index + ((4 as usize) << indexBits);
  nextSlot = 1;
  numWords = 0;
  reserve(words + SLOT);
  memory.fill(index, 0, (4 as usize) << indexBits);
  // Slot 0 is like no word.
  memory.fill(words, 0, SLOT);
}

/** From now on the words that are there are never forgotten. */
export function keepWords(): void {
  keptEnd = nextSlot;
  keptWords = numWords;
}

/** How many slots the words take that may be forgotten. */
export function forgettableSlots(): u32 {
  return nextSlot - keptEnd;
}

/** Forgets all words but those kept, which the caller adds to the index again. */
export function clearForgettable(): void {
  if (keptWords === 0) {
    clearWords();
    return;
  }
  // The index keeps its size, so that the words stay where they are.
  nextSlot = keptEnd;
  numWords = keptWords;
  memory.fill(index, 0, (4 as usize) << indexBits);
}

/** Makes room for text of `size` bytes. The text that is there is lost; the words are kept. */
export function growInput(size: u32): void {
  if ((size as usize) <= inputBytes) return;
  const more = align(size) - inputBytes;
  const end = wordsEnd();
  reserve(end + more);
  memory.copy(index + more, index, end - index);
  index += more;
  words += more;
  inputBytes += more;
}

/** Doubles the index; the caller fills it again. */
export function growIndex(): void {
  const more = (4 as usize) << indexBits;
  const end = wordsEnd();
  reserve(end + more);
  memory.copy(words + more, words, end - words);
  words += more;
  indexBits++;
  memory.fill(index, 0, (4 as usize) << indexBits);
}

/** Takes `slots` slots for a word and returns where they start. */
export function takeSlots(slots: u32): usize {
  const at = wordsEnd();
  nextSlot += slots;
  reserve(wordsEnd() + PADDING);
  return at;
}

export function addWord(): void {
  numWords++;
}

/** The end of the words, and the start of scratch. */
export function wordsEnd(): usize {
  return words + (nextSlot as usize) * SLOT;
}

/** Makes memory reach to `end`. */
export function reserve(end: usize): void {
  const pages = ((end + 0xffff) >> 16) as i32;
  const missing = pages - memory.size();
  if (missing <= 0) return;
  // Some more than asked for: growing is not free.
  if (memory.grow(missing + (pages >> 3) + 4) < 0 && memory.grow(missing) < 0) outOfMemory();
}

function align(at: usize): usize {
  return (at + 63) & ~63;
}
