// Words whose values are their encodings.
import { idShift, reserve, SLOT, takeSlots, wordsEnd } from "./layout";
import { merge } from "./merge";
import {
  addShort,
  byteSlots,
  findOrAddLong,
  findShort,
  idBytes,
  INLINE_BYTES,
  isShort,
  slotsFor,
  VALUE,
} from "./words";

/** The word of `length` bytes at `at`; it is added, and merged, if it is not there. */
export function findOrEncode(at: usize, length: u32): usize {
  let word: usize;
  if (isShort(length)) {
    word = findShort(at, length);
    if (word !== 0) return word;
    word = addShort(at, length);
  } else {
    word = findOrAddLong(at, length);
    if (idBytes(word) !== 0) return word;
  }
  // The ids are made in place: after the word, where they stay if there are many.
  const ids = wordsEnd();
  reserve(ids + (length as usize) * 4);
  const count = merge(at, length, ids);
  if (idShift === 1) {
    for (let i: usize = 0; i < (count as usize); i++) store<u16>(ids + (i << 1), load<u32>(ids + (i << 2)) as u16);
  }
  const bytes = count << idShift;
  if (bytes > INLINE_BYTES) takeSlots(slotsFor(bytes));
  else memory.copy(word + VALUE, ids, bytes);
  store<u16>(word, bytes as u16, VALUE + 14);
  return word;
}

/** Adds the word of `length` bytes at `at`, which is not there yet, as one id. */
export function addWhole(at: usize, length: u32, id: u32): void {
  const word = isShort(length) ? addShort(at, length) : findOrAddLong(at, length);
  if (idShift === 1) store<u16>(word, id as u16, VALUE);
  else store<u32>(word, id, VALUE);
  store<u16>(word, ((1 as u32) << idShift) as u16, VALUE + 14);
}

/** Where the ids of a word are that has more of them than fit its own slot. @inline */
export function manyIds(word: usize): usize {
  return word + SLOT + (byteSlots(word) as usize) * SLOT;
}
