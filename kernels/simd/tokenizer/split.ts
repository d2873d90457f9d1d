// Splits text into pre-tokens, a chunk at a time: many are found before the first is looked up, so that neither kind of
// work keeps the processor from running ahead in the other.
import { BLOCK } from "./blocks";
import { beginCl100kSplit, cl100kStarts, o200kStarts, splitAt } from "./cl100k_split";
import { beginGpt2Split, gpt2Starts } from "./gpt2_split";
import { CHUNK, starts } from "./layout";
import { CL100K, GIVEN, GPT2, O200K, pretokenEnd } from "./patterns";

/** Where the next chunk begins, and the end of the starts found so far. */
let nextChunk: usize = 0;
let startsEnd: usize = 0;

/** Begins to split at `at`, where a pre-token starts. */
export function beginSplit(at: usize): void {
  beginGpt2Split();
  beginCl100kSplit();
  nextChunk = at;
  startsEnd = starts;
}

/**
 * Splits the next chunk of a text that ends at `end`. Afterwards there are as many pre-tokens as this returns: number i
 * reaches from `starts[i]` to `starts[i + 1]`. What begins last may go on in the next chunk, and is the first one there.
 */
export function splitChunk(pattern: u32, end: usize): u32 {
  let out = startsEnd;
  if (out > starts) {
    store<u32>(starts, load<u32>(out - 4));
    out = starts + 4;
  }
  const stop = min(nextChunk + CHUNK, end);
  if (pattern === GIVEN) {
    while (nextChunk < stop) {
      store<u32>(out, nextChunk as u32);
      out += 4;
      nextChunk = pretokenEnd(pattern, nextChunk, end);
    }
  } else if (pattern === GPT2) {
    out = gpt2Starts(nextChunk, stop, end, out);
    nextChunk += (stop - nextChunk + BLOCK - 1) & ~(BLOCK - 1);
  } else {
    out = pattern === O200K
      ? o200kStarts(nextChunk, stop, end, starts, out)
      : cl100kStarts(nextChunk, stop, end, pattern === CL100K, out);
    nextChunk = splitAt;
  }
  if (nextChunk >= end) {
    store<u32>(out, end as u32);
    out += 4;
  }
  startsEnd = out;
  return ((out - starts) >> 2) as u32 - 1;
}

/** Whether all of the text has been split. @inline */
export function isSplit(end: usize): bool {
  return nextChunk >= end;
}

/** How far the text has been split. @inline */
export function splitEnd(): usize {
  return nextChunk;
}
