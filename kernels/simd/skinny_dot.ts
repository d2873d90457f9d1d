import { storeTail, sumLanesOf4 } from "./vector";

// Dot products of a few rows with rows of a matrix: the inner loops of skinny.ts's forward product.

/** to[p / 4, i, p mod 4] = from[i, p] for i < 6 and whole vectors of p < k, 0 where i ≥ count. */
export function interleaveRows(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  for (let p: u32 = 0; p + 4 <= k; p += 4) {
    for (let i: u32 = 0; i < 6; i++) {
      const at = from + i * rowBytes + ((p as usize) << 2);
      v128.store(to, i < count ? v128.load(at) : f32x4.splat(0));
      to += 16;
    }
  }
}

/** The sums, lane by lane, of the products of the whole vectors of two rows of k numbers. @inline */
export function dotVectors(a: usize, b: usize, k: u32): v128 {
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
export function dot2x4(k: u32, x0: usize, x1: usize, weight: usize, o: u32, end: u32, y: usize, yBytes: usize): void {
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
export function dot6x2(
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
