import { scratch, SCRATCH_BYTES } from "./scratch";
import { addRows } from "./skinny_add";
import { dot2x4, dot6x2, dotVectors, interleaveRows } from "./skinny_dot";
import { sumLanes } from "./vector";
import { claim, divide, endElement, endUnit, firstElement, firstUnit, LINE } from "./work";

// Products of a few rows with a large matrix, which is read from memory once and never packed: what generation does for
// each token. A worker takes blocks of columns of the result, or rows of a weight's gradient.

/** Numbers of the matrix in a piece of work at least, and cache lines of its columns. */
const LEAST_NUMBERS: u32 = 16384;
const LEAST_LINES: u32 = 8;

/** Whether skinnyForward is faster for so many rows of so many numbers, and has the scratch memory it needs. */
export function isSkinnyForward(rows: u32, I: u32): bool {
  return rows <= 16 && I <= (SCRATCH_BYTES as u32) / 72;
}

/** Whether skinnyBackwardInput is faster for so many rows. */
export function isSkinnyBackwardInput(rows: u32): bool {
  return rows <= 8;
}

/** Whether skinnyBackwardWeight is faster for so many rows. */
export function isSkinnyBackwardWeight(rows: u32): bool {
  return rows <= 4;
}

/** y = x Wᵀ. x: (rows, I); weight: (O, I); y: (rows, O). Each sum runs over four interleaved partial sums. */
export function skinnyForward(
  x: usize,
  weight: usize,
  y: usize,
  rows: u32,
  I: u32,
  O: u32,
  work: usize,
): void {
  const xBytes = (I as usize) << 2;
  const groupBytes = (I / 4) * 96;
  if (rows > 2) {
    for (let r: u32 = 0; r < rows; r += 6) {
      interleaveRows(scratch + r / 6 * groupBytes, x + r * xBytes, xBytes, min<u32>(6, rows - r), I);
    }
  }
  divide(work, (O + LINE - 1) / LINE, max<u32>(1, LEAST_NUMBERS / LINE / I));
  while (claim()) {
    const begin = firstElement();
    const end = endElement(O);
    if (rows === 1) forwardOne(x, weight, y, I, begin, end);
    else if (rows === 2) forwardTwo(x, weight, y, I, O, begin, end);
    else forwardSix(weight, y, rows, I, O, groupBytes, begin, end);
    if (I & 3) addRest(x, weight, y, rows, I, O, begin, end);
  }
}

/** Columns from begin to end of one row: the matrix is read from its start to its end, as processors read ahead. */
function forwardOne(x: usize, weight: usize, y: usize, I: u32, begin: u32, end: u32): void {
  const rowBytes = (I as usize) << 2;
  let from = weight + begin * rowBytes;
  for (let o = begin; o < end; o++) {
    store<f32>(y + ((o as usize) << 2), sumLanes(dotVectors(x, from, I)));
    from += rowBytes;
  }
}

/** Columns from begin to end of two rows. */
function forwardTwo(x: usize, weight: usize, y: usize, I: u32, O: u32, begin: u32, end: u32): void {
  for (let o = begin; o < end; o += 4) {
    dot2x4(I, x, x + (I << 2), weight, o, end, y + (o << 2), O << 2);
  }
}

/** Columns from begin to end of rows that lie interleaved in scratch memory, six together. */
function forwardSix(
  weight: usize,
  y: usize,
  rows: u32,
  I: u32,
  O: u32,
  groupBytes: usize,
  begin: u32,
  end: u32,
): void {
  const rowBytes = (I as usize) << 2;
  for (let block = begin; block < end; block += LINE) {
    const blockEnd = min(block + LINE, end);
    for (let r: u32 = 0; r < rows; r += 6) {
      const packed = scratch + r / 6 * groupBytes;
      for (let o = block; o < blockEnd; o += 2) {
        const w0 = weight + o * rowBytes;
        const to = y + ((r * O + o) << 2);
        dot6x2(I, packed, w0, o + 1 < end ? w0 + rowBytes : w0, to, O << 2, min<u32>(6, rows - r), end - o);
      }
    }
  }
}

/** Adds the products past the last whole vector of a row. */
function addRest(x: usize, weight: usize, y: usize, rows: u32, I: u32, O: u32, begin: u32, end: u32): void {
  const first = I & ~3;
  for (let r: u32 = 0; r < rows; r++) {
    for (let o = begin; o < end; o++) {
      const at = y + ((r * O + o) << 2);
      let sum = load<f32>(at);
      for (let i = first; i < I; i++) {
        sum += load<f32>(x + ((r * I + i) << 2)) * load<f32>(weight + ((o * I + i) << 2));
      }
      store<f32>(at, sum);
    }
  }
}

/** dX (+)= dY W. dY: (rows, O); weight: (O, I); dX: (rows, I). Sums run over o, ascending. */
export function skinnyBackwardInput(
  dY: usize,
  weight: usize,
  dX: usize,
  rows: u32,
  I: u32,
  O: u32,
  accumulate: bool,
  work: usize,
): void {
  divide(work, (I + LINE - 1) / LINE, LEAST_LINES);
  while (claim()) {
    const skip: usize = firstElement() << 2;
    const columns = endElement(I) - firstElement();
    for (let o: u32 = 0; o < O; o += 4) {
      const from = weight + ((o * I) << 2) + skip;
      for (let r: u32 = 0; r < rows; r += 2) {
        const factors = dY + ((r * O + o) << 2);
        const to = dX + ((r * I) << 2) + skip;
        const next: usize = r + 1 < rows ? 4 : 0;
        addRows(to, I * next, columns, from, I << 2, factors, 4, O * next, min<u32>(4, O - o), accumulate || o > 0);
      }
    }
  }
}

/** dW (+)= dYᵀ x. dY: (rows, O); x: (rows, I); dW: (O, I). Sums run over rows, ascending. */
export function skinnyBackwardWeight(
  dY: usize,
  x: usize,
  dWeight: usize,
  rows: u32,
  I: u32,
  O: u32,
  accumulate: bool,
  work: usize,
): void {
  const rowBytes = (I as usize) << 2;
  divide(work, O, max<u32>(2, LEAST_NUMBERS / I));
  while (claim()) {
    const end = endUnit;
    for (let o = firstUnit; o < end; o += 2) {
      const to = dWeight + o * rowBytes;
      const next: usize = o + 1 < end ? 4 : 0;
      for (let r: u32 = 0; r < rows; r += 4) {
        const factors = dY + ((r * O + o) << 2);
        const from = x + r * rowBytes;
        addRows(to, I * next, I, from, rowBytes, factors, O << 2, next, min<u32>(4, rows - r), accumulate || r > 0);
      }
    }
  }
}
