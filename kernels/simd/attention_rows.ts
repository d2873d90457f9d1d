import { multiplyRows, PITCH } from "./row_kernel";
import { loadLanes, storeLanes, writeLanes } from "./vector";

// Rows of heads between the arrays, where they lie far apart, and a worker's scratch memory.

/** Dimensions in a block: what fits into a row of PITCH bytes, in whole vectors of 8. */
export const BLOCK_DIMENSIONS: u32 = 256;

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

/**
 * to[i,j] = a[i]·b[j] for 6 rows of a, as `copyRows` leaves them, and all that `panels` panels of b, (headDim, 8), hold.
 * Rows of `to` are PITCH apart.
 */
export function multiplyAcross(to: usize, a: usize, b: usize, panels: u32, headDim: u32, blockBytes: usize): void {
  for (let first: u32 = 0; first < headDim; first += BLOCK_DIMENSIONS) {
    const depth = min(BLOCK_DIMENSIONS, headDim - first);
    multiplyRows(depth, a, b + ((first as usize) << 5), headDim * 32, panels, to, PITCH, first > 0);
    a += blockBytes;
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
  for (let i: u32 = 0; i < rows; i++) {
    writeRow(to, from, headDim, scale, accumulate);
    to += toBytes;
    from += fromBytes;
  }
}

/** The same for one row. */
export function writeRow(to: usize, from: usize, headDim: u32, scale: f32, accumulate: bool): void {
  const scale4 = f32x4.splat(scale);
  const end = from + ((headDim & ~3) << 2);
  while (from !== end) {
    const value = f32x4.mul(v128.load(from), scale4);
    v128.store(to, accumulate ? f32x4.add(v128.load(to), value) : value);
    to += 16;
    from += 16;
  }
  const rest = (headDim & 3) as i32;
  if (rest) {
    const value = f32x4.mul(v128.load(from), scale4);
    writeLanes(to, value, rest, accumulate);
  }
}
