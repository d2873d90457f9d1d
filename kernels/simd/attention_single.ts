import { LN_2, log, LOG2_E, storeExp2Pair } from "./exp";
import { scratch, SCRATCH_BYTES } from "./scratch";
import { loadTail, maximum, storeTail, sumLanes, sumLanesOf4 } from "./vector";

// Attention of one query at a time, for generation: keys and values are read once, where they lie, and nothing is
// packed. The scores of all keys are kept in the worker's scratch memory.

/** The most queries for which this is faster than panels of eight. */
const MAX_QUERIES: u32 = 3;

/** Whether it is for so many queries and keys. */
export function isSingle(T: u32, S: u32): bool {
  return T <= MAX_QUERIES && S <= (SCRATCH_BYTES as u32) / 4 - 8;
}

/**
 * y = Σⱼ softmaxⱼ(q·k[j] / √headDim) v[j] over `keys` ≥ 1 keys, with rows of `rowBytes` bytes, for one query of one head.
 * Returns the logarithm of the softmax's denominator. Sums run over four interleaved partial sums each.
 */
export function attendOne(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  rowBytes: usize,
  keys: u32,
  headDim: u32,
): f32 {
  const scores = scratch;
  for (let j: u32 = 0; j < keys; j += 4) {
    v128.store(scores + (j << 2), scoresOf4(q, k + j * rowBytes, rowBytes, keys - j, headDim));
  }
  const scale: f32 = LOG2_E / sqrt<f32>(headDim as f32);
  const largest = maximum(scores, keys) * scale;
  const total = exponentiateRow(scores, keys, scale, largest);
  for (let c: u32 = 0; c < headDim; c += 16) {
    weightedSum(y + (c << 2), scores, v + (c << 2), rowBytes, keys, min<u32>(16, headDim - c), (1 as f32) / total);
  }
  return ((largest as f64) * LN_2 + log(total as f64)) as f32;
}

/** q·k[j] for four rows of k; where there are fewer, the last one again. */
function scoresOf4(q: usize, k: usize, rowBytes: usize, rows: u32, headDim: u32): v128 {
  let k1 = rows > 1 ? k + rowBytes : k;
  let k2 = rows > 2 ? k1 + rowBytes : k1;
  let k3 = rows > 3 ? k2 + rowBytes : k2;
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  const end = q + ((headDim & ~3) << 2);
  while (q !== end) {
    const x = v128.load(q);
    s0 = f32x4.relaxed_madd(x, v128.load(k), s0);
    s1 = f32x4.relaxed_madd(x, v128.load(k1), s1);
    s2 = f32x4.relaxed_madd(x, v128.load(k2), s2);
    s3 = f32x4.relaxed_madd(x, v128.load(k3), s3);
    q += 16;
    k += 16;
    k1 += 16;
    k2 += 16;
    k3 += 16;
  }
  const rest = headDim & 3;
  if (rest) {
    const x = loadTail(q, rest);
    s0 = f32x4.relaxed_madd(x, loadTail(k, rest), s0);
    s1 = f32x4.relaxed_madd(x, loadTail(k1, rest), s1);
    s2 = f32x4.relaxed_madd(x, loadTail(k2, rest), s2);
    s3 = f32x4.relaxed_madd(x, loadTail(k3, rest), s3);
  }
  return sumLanesOf4(s0, s1, s2, s3);
}

/** Turns n scores into 2^(scale · score − largest) and returns their sum. What lies behind them is overwritten. */
function exponentiateRow(scores: usize, n: u32, scale: f32, largest: f32): f32 {
  // Up to a whole pair of vectors, with powers that are 0.
  const padded = (n + 7) & ~7;
  for (let j = n; j < padded; j++) store<f32>(scores + (j << 2), -Infinity);
  const scale4 = f32x4.splat(scale);
  const negLargest = f32x4.splat(-largest);
  let sum = f32x4.splat(0);
  const end = scores + (padded << 2);
  for (let at = scores; at !== end; at += 32) {
    const low = f32x4.relaxed_madd(v128.load(at), scale4, negLargest);
    storeExp2Pair(at, low, f32x4.relaxed_madd(v128.load(at, 16), scale4, negLargest));
    sum = f32x4.add(sum, f32x4.add(v128.load(at), v128.load(at, 16)));
  }
  return sumLanes(sum);
}

/** y[c] = scale Σⱼ p[j] v[j,c] for `columns` ≤ 16 columns. */
function weightedSum(y: usize, p: usize, v: usize, rowBytes: usize, n: u32, columns: u32, scale: f32): void {
  const scale4 = f32x4.splat(scale);
  if (columns < 16) {
    for (let c: u32 = 0; c < columns; c += 4) {
      const count = columns - c;
      let sum = f32x4.splat(0);
      let from = v + (c << 2);
      for (let j: u32 = 0; j < n; j++) {
        const x = count >= 4 ? v128.load(from) : loadTail(from, count);
        sum = f32x4.relaxed_madd(v128.load_splat<f32>(p + (j << 2)), x, sum);
        from += rowBytes;
      }
      sum = f32x4.mul(sum, scale4);
      if (count >= 4) v128.store(y + (c << 2), sum);
      else storeTail(y + (c << 2), sum, count);
    }
    return;
  }
  // Even and odd keys apart: eight sums, enough to keep both multipliers busy.
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let t0 = f32x4.splat(0), t1 = f32x4.splat(0), t2 = f32x4.splat(0), t3 = f32x4.splat(0);
  const end = p + ((n & ~1) << 2);
  while (p !== end) {
    let w = v128.load_splat<f32>(p);
    s0 = f32x4.relaxed_madd(w, v128.load(v), s0);
    s1 = f32x4.relaxed_madd(w, v128.load(v, 16), s1);
    s2 = f32x4.relaxed_madd(w, v128.load(v, 32), s2);
    s3 = f32x4.relaxed_madd(w, v128.load(v, 48), s3);
    v += rowBytes;
    w = v128.load_splat<f32>(p, 4);
    t0 = f32x4.relaxed_madd(w, v128.load(v), t0);
    t1 = f32x4.relaxed_madd(w, v128.load(v, 16), t1);
    t2 = f32x4.relaxed_madd(w, v128.load(v, 32), t2);
    t3 = f32x4.relaxed_madd(w, v128.load(v, 48), t3);
    v += rowBytes;
    p += 8;
  }
  if (n & 1) {
    const w = v128.load_splat<f32>(p);
    s0 = f32x4.relaxed_madd(w, v128.load(v), s0);
    s1 = f32x4.relaxed_madd(w, v128.load(v, 16), s1);
    s2 = f32x4.relaxed_madd(w, v128.load(v, 32), s2);
    s3 = f32x4.relaxed_madd(w, v128.load(v, 48), s3);
  }
  v128.store(y, f32x4.mul(f32x4.add(s0, t0), scale4));
  v128.store(y, f32x4.mul(f32x4.add(s1, t1), scale4), 16);
  v128.store(y, f32x4.mul(f32x4.add(s2, t2), scale4), 32);
  v128.store(y, f32x4.mul(f32x4.add(s3, t3), scale4), 48);
}
