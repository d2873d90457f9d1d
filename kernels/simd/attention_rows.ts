import { PITCH } from "./row_kernel";
import { scratch } from "./scratch";
import { loadLanes, storeLanes } from "./vector";

// Rows of heads between the arrays, where they lie far apart, and a worker's scratch memory.

/** Dimensions in a block: what fits into a row of PITCH bytes, in whole vectors of 8. */
export const BLOCK_DIMENSIONS: u32 = 256;

/** Bytes that come from memory together. */
const LINE_BYTES: usize = 64;

/**
 * Reads a number from each line of some rows, to have them in the cache: such rows lie too far apart for the processor to
 * foresee, and nothing but loads keeps as many of them on their way at a time as it can.
 */
export function fetchRows(from: usize, rowBytes: usize, rows: u32, headDim: u32): void {
  const end = (headDim as usize) << 2;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < rows; i++) {
    for (let at: usize = 0; at < end; at += LINE_BYTES) sum += load<u32>(from + at);
    from += rowBytes;
  }
  // Used, lest the loads be left out.
  store<u32>(scratch, sum);
}

/**
 * Copies rows of headDim numbers into blocks of BLOCK_DIMENSIONS columns, in rows PITCH apart; from one block to the
 * next are `blockBytes` bytes.
 */
export function copyRows(
  to: usize,
  blockBytes: usize,
  from: usize,
  rowBytes: usize,
  rows: u32,
  headDim: u32,
): void {
  for (let first: u32 = 0; first < headDim; first += BLOCK_DIMENSIONS) {
    const count = min(BLOCK_DIMENSIONS, headDim - first);
    const end = (count & ~3) << 2;
    const rest = (count & 3) as i32;
    let source = from + ((first as usize) << 2);
    let target = to;
    for (let i: u32 = 0; i < rows; i++) {
      let at: usize = 0;
      for (; at < end; at += 16) v128.store(target + at, v128.load(source + at));
      if (rest) storeLanes(target + at, loadLanes(source + at, rest), rest);
      source += rowBytes;
      target += PITCH;
    }
    to += blockBytes;
  }
}

/** to (+)= scale · from, rows of headDim numbers. */
export function writeRows(
  to: usize,
  toBytes: usize,
  from: usize,
  fromBytes: usize,
  rows: u32,
  headDim: u32,
  scale: f32,
  accumulate: bool,
): void {
  const scale4 = f32x4.splat(scale);
  const end = (headDim & ~3) << 2;
  const rest = (headDim & 3) as i32;
  for (let i: u32 = 0; i < rows; i++) {
    let at: usize = 0;
    if (accumulate) {
      for (; at < end; at += 16) {
        v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(v128.load(from + at), scale4)));
      }
    } else {
      for (; at < end; at += 16) v128.store(to + at, f32x4.mul(v128.load(from + at), scale4));
    }
    if (rest) {
      const value = f32x4.mul(v128.load(from + at), scale4);
      storeLanes(to + at, accumulate ? f32x4.add(loadLanes(to + at, rest), value) : value, rest);
    }
    to += toBytes;
    from += fromBytes;
  }
}
