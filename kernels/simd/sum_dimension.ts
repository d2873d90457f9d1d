import { loadLanes, sumOf, writeLanes } from "./vector";
import { claim, divideRows, endUnit, firstUnit, LINE } from "./work";

// sum_dimension: y[o,p,i] (+)= factor · Σ of x[o,l,i] over the l of part p: from p · chunk on, chunk = ⌈length / parts⌉.
// x: (outer, length, inner); y: (outer, parts, inner). A worker takes whole sums: one, or a cache line of columns.
// Long sums are made in blocks, so that no number is added to one that is very much larger.

/** Numbers of a block where they lie side by side, and rows of one where they do not. */
const BLOCK: u32 = 4096;
const BLOCK_ROWS: u32 = 256;

export function sum_dimension(
  x: usize,
  y: usize,
  outer: u32,
  length: u32,
  inner: u32,
  parts: u32,
  factor: f32,
  accumulate: u32,
  work: usize,
): void {
  const chunk = (length + parts - 1) / parts;
  const blocks = inner === 1 ? 1 : (inner + LINE - 1) / LINE;
  divideRows(work, outer * parts * blocks, inner === 1 ? chunk : chunk * LINE);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const sum = unit / blocks;
      const begin = min((sum % parts) * chunk, length);
      const count = min(chunk, length - begin);
      const column = (unit % blocks) * LINE;
      const from = x + (((sum / parts * length + begin) * inner + column) << 2);
      const to = y + ((sum * inner + column) << 2);
      if (inner === 1) {
        const value = factor * (sumInBlocks(from, count) as f32);
        store<f32>(to, accumulate ? load<f32>(to) + value : value);
      } else {
        sumColumns(from, to, count, inner << 2, min(LINE, inner - column), factor, accumulate !== 0);
      }
    }
  }
}

/** The sum of n floats that lie side by side, block by block. */
function sumInBlocks(from: usize, n: u32): f64 {
  let total: f64 = 0;
  for (let i: u32 = 0; i < n; i += BLOCK) total += sumOf(from + (i << 2), min(BLOCK, n - i)) as f64;
  return total;
}

/** Up to a cache line of sums down columns of `count` rows. */
function sumColumns(
  from: usize,
  to: usize,
  count: u32,
  rowBytes: usize,
  columns: u32,
  factor: f32,
  add: bool,
): void {
  const factor4 = f32x4.splat(factor);
  const isWhole = columns === LINE;
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (let row: u32 = 0; row < count; row += BLOCK_ROWS) {
    const rows = min(BLOCK_ROWS, count - row);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    if (isWhole) {
      for (let l: u32 = 0; l < rows; l++, from += rowBytes) {
        s0 = f32x4.add(s0, v128.load(from));
        s1 = f32x4.add(s1, v128.load(from, 16));
        s2 = f32x4.add(s2, v128.load(from, 32));
        s3 = f32x4.add(s3, v128.load(from, 48));
      }
    } else {
      for (let l: u32 = 0; l < rows; l++, from += rowBytes) {
        s0 = f32x4.add(s0, loadLanes(from, columns as i32));
        if (columns > 4) s1 = f32x4.add(s1, loadLanes(from + 16, (columns - 4) as i32));
        if (columns > 8) s2 = f32x4.add(s2, loadLanes(from + 32, (columns - 8) as i32));
        if (columns > 12) s3 = f32x4.add(s3, loadLanes(from + 48, (columns - 12) as i32));
      }
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
    t2 = f32x4.add(t2, s2);
    t3 = f32x4.add(t3, s3);
  }
  writeLanes(to, f32x4.mul(factor4, t0), columns as i32, add);
  writeLanes(to + 16, f32x4.mul(factor4, t1), (columns as i32) - 4, add);
  writeLanes(to + 32, f32x4.mul(factor4, t2), (columns as i32) - 8, add);
  writeLanes(to + 48, f32x4.mul(factor4, t3), (columns as i32) - 12, add);
}
