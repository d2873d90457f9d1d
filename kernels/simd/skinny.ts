import { scratch, SCRATCH_BYTES } from "./scratch";
import { loadTail, storeTail, sumLanes, sumLanesOf4 } from "./vector";
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

/**
 * to[i] (+)= Σ over j < count ≤ 4, ascending, of factors[j] from[j, i] for i < n, with rows of `rowBytes` bytes and
 * factors `stride` bytes apart; and the same for a second row, `toNext` bytes behind `to`, with factors that begin
 * `factorsNext` bytes behind the first's. Where both are 0, the second row is the first, computed twice.
 */
function addRows(
  to: usize,
  toNext: usize,
  n: u32,
  from: usize,
  rowBytes: usize,
  factors: usize,
  stride: usize,
  factorsNext: usize,
  count: u32,
  accumulate: bool,
): void {
  if (count < 4) {
    for (let j: u32 = 0; j < count; j++) {
      const add = accumulate || j > 0;
      addRow(to, n, from, v128.load_splat<f32>(factors), add);
      if (toNext) addRow(to + toNext, n, from, v128.load_splat<f32>(factors + factorsNext), add);
      from += rowBytes;
      factors += stride;
    }
    return;
  }
  const f0 = v128.load_splat<f32>(factors);
  const f1 = v128.load_splat<f32>(factors + stride);
  const f2 = v128.load_splat<f32>(factors + 2 * stride);
  const f3 = v128.load_splat<f32>(factors + 3 * stride);
  factors += factorsNext;
  const g0 = v128.load_splat<f32>(factors);
  const g1 = v128.load_splat<f32>(factors + stride);
  const g2 = v128.load_splat<f32>(factors + 2 * stride);
  const g3 = v128.load_splat<f32>(factors + 3 * stride);
  let from1 = from + rowBytes;
  let from2 = from1 + rowBytes;
  let from3 = from2 + rowBytes;
  let second = to + toNext;
  const end = to + ((n & ~3) << 2);
  while (to !== end) {
    let sum = accumulate ? v128.load(to) : f32x4.splat(0);
    let sum2 = accumulate ? v128.load(second) : f32x4.splat(0);
    let x = v128.load(from);
    sum = f32x4.relaxed_madd(f0, x, sum);
    sum2 = f32x4.relaxed_madd(g0, x, sum2);
    x = v128.load(from1);
    sum = f32x4.relaxed_madd(f1, x, sum);
    sum2 = f32x4.relaxed_madd(g1, x, sum2);
    x = v128.load(from2);
    sum = f32x4.relaxed_madd(f2, x, sum);
    sum2 = f32x4.relaxed_madd(g2, x, sum2);
    x = v128.load(from3);
    sum = f32x4.relaxed_madd(f3, x, sum);
    sum2 = f32x4.relaxed_madd(g3, x, sum2);
    v128.store(to, sum);
    v128.store(second, sum2);
    to += 16;
    second += 16;
    from += 16;
    from1 += 16;
    from2 += 16;
    from3 += 16;
  }
  const rest = n & 3;
  if (rest) {
    let sum = accumulate ? loadTail(to, rest) : f32x4.splat(0);
    let sum2 = accumulate ? loadTail(second, rest) : f32x4.splat(0);
    let x = loadTail(from, rest);
    sum = f32x4.relaxed_madd(f0, x, sum);
    sum2 = f32x4.relaxed_madd(g0, x, sum2);
    x = loadTail(from1, rest);
    sum = f32x4.relaxed_madd(f1, x, sum);
    sum2 = f32x4.relaxed_madd(g1, x, sum2);
    x = loadTail(from2, rest);
    sum = f32x4.relaxed_madd(f2, x, sum);
    sum2 = f32x4.relaxed_madd(g2, x, sum2);
    x = loadTail(from3, rest);
    sum = f32x4.relaxed_madd(f3, x, sum);
    sum2 = f32x4.relaxed_madd(g3, x, sum2);
    storeTail(to, sum, rest);
    storeTail(second, sum2, rest);
  }
}

/** to[i] (+)= factor from[i] for i < n. */
function addRow(to: usize, n: u32, from: usize, factor: v128, accumulate: bool): void {
  const end = to + ((n & ~3) << 2);
  while (to !== end) {
    const sum = accumulate ? v128.load(to) : f32x4.splat(0);
    v128.store(to, f32x4.relaxed_madd(factor, v128.load(from), sum));
    to += 16;
    from += 16;
  }
  const rest = n & 3;
  if (rest) {
    const sum = accumulate ? loadTail(to, rest) : f32x4.splat(0);
    storeTail(to, f32x4.relaxed_madd(factor, loadTail(from, rest), sum), rest);
  }
}

/** to[p / 4, i, p mod 4] = from[i, p] for i < 6 and whole vectors of p < k, 0 where i ≥ count. */
function interleaveRows(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  for (let p: u32 = 0; p + 4 <= k; p += 4) {
    for (let i: u32 = 0; i < 6; i++) {
      const at = from + i * rowBytes + ((p as usize) << 2);
      v128.store(to, i < count ? v128.load(at) : f32x4.splat(0));
      to += 16;
    }
  }
}

/** The sums, lane by lane, of the products of the whole vectors of two rows of k numbers. @inline */
function dotVectors(a: usize, b: usize, k: u32): v128 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  const end = a + ((k & ~15) << 2);
  while (a !== end) {
    s0 = f32x4.relaxed_madd(v128.load(a), v128.load(b), s0);
    s1 = f32x4.relaxed_madd(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = f32x4.relaxed_madd(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = f32x4.relaxed_madd(v128.load(a, 48), v128.load(b, 48), s3);
    a += 64;
    b += 64;
  }
  const endVectors = end + ((k & 12) << 2);
  while (a !== endVectors) {
    s0 = f32x4.relaxed_madd(v128.load(a), v128.load(b), s0);
    a += 16;
    b += 16;
  }
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
}

/** Four neighbouring columns, from o on, of two rows; past the last column (end), it is computed again. */
function dot2x4(k: u32, x0: usize, x1: usize, weight: usize, o: u32, end: u32, y: usize, yBytes: usize): void {
  const rowBytes = (k as usize) << 2;
  const left = end - o;
  let w0 = weight + o * rowBytes;
  let w1 = left > 1 ? w0 + rowBytes : w0;
  let w2 = left > 2 ? w1 + rowBytes : w0;
  let w3 = left > 3 ? w2 + rowBytes : w0;
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s02 = f32x4.splat(0), s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0), s12 = f32x4.splat(0), s13 = f32x4.splat(0);
  const endX = x0 + ((k & ~3) << 2);
  while (x0 !== endX) {
    const a = v128.load(x0);
    const b = v128.load(x1);
    let w = v128.load(w0);
    s00 = f32x4.relaxed_madd(a, w, s00);
    s10 = f32x4.relaxed_madd(b, w, s10);
    w = v128.load(w1);
    s01 = f32x4.relaxed_madd(a, w, s01);
    s11 = f32x4.relaxed_madd(b, w, s11);
    w = v128.load(w2);
    s02 = f32x4.relaxed_madd(a, w, s02);
    s12 = f32x4.relaxed_madd(b, w, s12);
    w = v128.load(w3);
    s03 = f32x4.relaxed_madd(a, w, s03);
    s13 = f32x4.relaxed_madd(b, w, s13);
    x0 += 16;
    x1 += 16;
    w0 += 16;
    w1 += 16;
    w2 += 16;
    w3 += 16;
  }
  const first = sumLanesOf4(s00, s01, s02, s03);
  const second = sumLanesOf4(s10, s11, s12, s13);
  if (left >= 4) {
    v128.store(y, first);
    v128.store(y + yBytes, second);
  } else {
    storeTail(y, first, left);
    storeTail(y + yBytes, second, left);
  }
}

/** Two neighbouring columns of six interleaved rows, of which the first `rows` are stored. */
function dot6x2(
  k: u32,
  x: usize,
  w0: usize,
  w1: usize,
  y: usize,
  yBytes: usize,
  rows: u32,
  columns: u32,
): void {
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0), s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0), s31 = f32x4.splat(0);
  let s40 = f32x4.splat(0), s41 = f32x4.splat(0);
  let s50 = f32x4.splat(0), s51 = f32x4.splat(0);
  const end = w0 + ((k & ~3) << 2);
  while (w0 !== end) {
    const a = v128.load(w0);
    const b = v128.load(w1);
    let v = v128.load(x);
    s00 = f32x4.relaxed_madd(v, a, s00);
    s01 = f32x4.relaxed_madd(v, b, s01);
    v = v128.load(x, 16);
    s10 = f32x4.relaxed_madd(v, a, s10);
    s11 = f32x4.relaxed_madd(v, b, s11);
    v = v128.load(x, 32);
    s20 = f32x4.relaxed_madd(v, a, s20);
    s21 = f32x4.relaxed_madd(v, b, s21);
    v = v128.load(x, 48);
    s30 = f32x4.relaxed_madd(v, a, s30);
    s31 = f32x4.relaxed_madd(v, b, s31);
    v = v128.load(x, 64);
    s40 = f32x4.relaxed_madd(v, a, s40);
    s41 = f32x4.relaxed_madd(v, b, s41);
    v = v128.load(x, 80);
    s50 = f32x4.relaxed_madd(v, a, s50);
    s51 = f32x4.relaxed_madd(v, b, s51);
    x += 96;
    w0 += 16;
    w1 += 16;
  }
  storePairs(sumLanesOf4(s00, s01, s10, s11), y, yBytes, rows, columns);
  if (rows > 2) storePairs(sumLanesOf4(s20, s21, s30, s31), y + 2 * yBytes, yBytes, rows - 2, columns);
  if (rows > 4) storePairs(sumLanesOf4(s40, s41, s50, s51), y + 4 * yBytes, yBytes, rows - 4, columns);
}

/** Stores two columns, or one, of two rows, or one. @inline */
function storePairs(pairs: v128, y: usize, yBytes: usize, rows: u32, columns: u32): void {
  if (columns > 1) v128.store_lane<f64>(y, pairs, 0);
  else v128.store_lane<f32>(y, pairs, 0);
  if (rows < 2) return;
  if (columns > 1) v128.store_lane<f64>(y + yBytes, pairs, 1);
  else v128.store_lane<f32>(y + yBytes, pairs, 2);
}
