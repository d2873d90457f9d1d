// Merging of long pre-tokens in O(n log n): a heap of pairs over a linked list of parts.
import { byteIds, reserve, wordsEnd } from "./layout";
import { mergedBy, rankAfter } from "./merge";

// In scratch: for each byte the id of the part that starts there, the positions of the parts beside it, and rank + 1 of
// the pair that it makes with the next (0 if they do not merge, or it is part of another part by now); then the heap.
const PART: usize = 16;
const NEXT: usize = 4;
const PREVIOUS: usize = 8;
const RANK_AFTER: usize = 12;
/** Pairs that can be in the heap at once, per byte: one at the start, and two per merge, of which there are fewer. */
const PAIRS_PER_BYTE: usize = 3;

let partsAt: usize = 0;
let heapAt: usize = 0;
let heapSize: u32 = 0;
let numBytes: u32 = 0;

/** As merge() in merge.ts, for any length. `out` may be scratch's own start: {@linkcode wordsEnd}. */
export function mergeLong(at: usize, length: u32, out: usize): u32 {
  partsAt = wordsEnd();
  heapAt = partsAt + (length as usize) * PART;
  reserve(heapAt + (length as usize) * PAIRS_PER_BYTE * 8);
  heapSize = 0;
  numBytes = length;
  for (let i: u32 = 0; i < length; i++) {
    const part = partOf(i);
    store<u32>(part, load<u32>(byteIds + ((load<u8>(at + i) as usize) << 2)));
    store<u32>(part, i + 1, NEXT);
    store<u32>(part, i - 1, PREVIOUS);
  }
  for (let i: u32 = 0; i < length; i++) pushPair(i);
  while (heapSize > 0) {
    // Keys order by rank, then position.
    const key = pop();
    const rank = (key >> 32) as u32;
    const i = key as u32;
    const part = partOf(i);
    // The pair may be gone: its left part merged away, or one of the two no longer what it was.
    if (load<u32>(part, RANK_AFTER) !== rank + 1) continue;
    const gone = partOf(load<u32>(part, NEXT));
    const next = load<u32>(gone, NEXT);
    store<u32>(gone, 0, RANK_AFTER);
    store<u32>(part, mergedBy(rank));
    store<u32>(part, next, NEXT);
    if (next < length) store<u32>(partOf(next), i, PREVIOUS);
    if (i > 0) pushPair(load<u32>(part, PREVIOUS));
    pushPair(i);
  }
  // Where `out` is scratch's start, id k is written over parts that were read already: part k or earlier.
  let count: u32 = 0;
  let i: u32 = 0;
  while (i < length) {
    const id = load<u32>(partOf(i));
    i = load<u32>(partOf(i), NEXT);
    store<u32>(out + ((count as usize) << 2), id);
    count++;
  }
  return count;
}

/** @inline */
function partOf(i: u32): usize {
  return partsAt + (i as usize) * PART;
}

/** Looks up the pair that starts at part i. */
function pushPair(i: u32): void {
  const part = partOf(i);
  const next = load<u32>(part, NEXT);
  const rank = next < numBytes ? rankAfter(load<u32>(part), load<u32>(partOf(next))) : 0;
  store<u32>(part, rank, RANK_AFTER);
  if (rank !== 0) push(((rank - 1) as u64) << 32 | (i as u64));
}

function push(key: u64): void {
  let at = heapSize++;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const parentKey = load<u64>(heapAt + ((parent as usize) << 3));
    if (parentKey <= key) break;
    store<u64>(heapAt + ((at as usize) << 3), parentKey);
    at = parent;
  }
  store<u64>(heapAt + ((at as usize) << 3), key);
}

function pop(): u64 {
  const top = load<u64>(heapAt);
  const key = load<u64>(heapAt + ((--heapSize as usize) << 3));
  let at: u32 = 0;
  while (true) {
    let child = at * 2 + 1;
    if (child >= heapSize) break;
    let childKey = load<u64>(heapAt + ((child as usize) << 3));
    if (child + 1 < heapSize) {
      const right = load<u64>(heapAt + ((child as usize) << 3), 8);
      if (right < childKey) {
        childKey = right;
        child++;
      }
    }
    if (childKey >= key) break;
    store<u64>(heapAt + ((at as usize) << 3), childKey);
    at = child;
  }
  store<u64>(heapAt + ((at as usize) << 3), key);
  return top;
}
