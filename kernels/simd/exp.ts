// exp and log, in vectors of four and in scalars.
//
// exp: n = round(x / ln 2), r = x − n ln 2 (ln 2 in two parts), eʳ by a polynomial on |r| ≤ ln 2 / 2, times 2ⁿ. Adding
// 1.5 · 2²³ + 127 to x / ln 2 rounds it and leaves n + 127, the exponent field of 2ⁿ, in the sum's low bits.
// The polynomials minimise the largest relative error: 3e-9 for eʳ (degree 6), 9e-8 for 2ʳ (degree 5).
// Results are within 1 unit in the last place (eˣ) and 2 (2ˣ) of the exact ones.
//
// The constants lie in memory, because V8 builds a vector constant from two 64-bit halves at each use, while loading
// and spreading one costs a single instruction.

/** 1 / ln 2. */
export const LOG2_E: f32 = 1.4426950408889634;
export const LN_2: f64 = 0.6931471805599453;

const CONSTANTS = memory.data<f32>([
  // eˣ
  1.4426950408889634, // 1 / ln 2
  12583039, // 1.5 · 2²³ + 127
  0.693359375, // ln 2, high part
  -2.12194440e-4, // ln 2, low part
  1.381459876237554e-3, // r⁶
  8.368716884783606e-3,
  4.1668388043926474e-2,
  0.16666520631654783,
  0.49999993447797864, // r²
  1, // r, and 1
  -88.0296, // x from which n is −127 and 2ⁿ comes out as 0
  // 2ˣ
  1.3264713531546963e-3, // r⁵
  9.67152327629564e-3,
  5.550733872007098e-2,
  0.2402224192299931,
  0.6931469774777369, // r
  -127,
]);

/** One of the constants in all lanes. @inline */
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** eˣ for x ≤ 0, 0 where it would be below 2^−126.5, NaN for NaN. @inline */
export function expNonPositive4(x: v128): v128 {
  // The operand order of pmax keeps NaN.
  const bounded = f32x4.pmax(x, constant(10));
  const magic = constant(1);
  const sum = f32x4.relaxed_madd(bounded, constant(0), magic);
  const n = f32x4.sub(sum, magic);
  const r = f32x4.relaxed_nmadd(n, constant(3), f32x4.relaxed_nmadd(n, constant(2), bounded));
  const one = constant(9);
  let p = f32x4.relaxed_madd(constant(4), r, constant(5));
  p = f32x4.relaxed_madd(p, r, constant(6));
  p = f32x4.relaxed_madd(p, r, constant(7));
  p = f32x4.relaxed_madd(p, r, constant(8));
  p = f32x4.relaxed_madd(p, r, one);
  p = f32x4.relaxed_madd(p, r, one);
  return f32x4.mul(p, i32x4.shl(sum, 23));
}

/**
 * Stores 2^low and 2^high at `to` and behind it; both ≤ 0, or above it by rounding only. 0 below 2^−126.5, NaN for NaN.
 * Two at a time, so that each constant is loaded once for both. @inline
 */
export function storeExp2Pair(to: usize, low: v128, high: v128): void {
  const magic = constant(1);
  const least = constant(16);
  low = f32x4.pmax(low, least);
  high = f32x4.pmax(high, least);
  const sumLow = f32x4.add(low, magic);
  const sumHigh = f32x4.add(high, magic);
  low = f32x4.sub(low, f32x4.sub(sumLow, magic));
  high = f32x4.sub(high, f32x4.sub(sumHigh, magic));
  let c = constant(12);
  let p = f32x4.relaxed_madd(constant(11), low, c);
  let q = f32x4.relaxed_madd(constant(11), high, c);
  c = constant(13);
  p = f32x4.relaxed_madd(p, low, c);
  q = f32x4.relaxed_madd(q, high, c);
  c = constant(14);
  p = f32x4.relaxed_madd(p, low, c);
  q = f32x4.relaxed_madd(q, high, c);
  c = constant(15);
  p = f32x4.relaxed_madd(p, low, c);
  q = f32x4.relaxed_madd(q, high, c);
  c = constant(9);
  p = f32x4.relaxed_madd(p, low, c);
  q = f32x4.relaxed_madd(q, high, c);
  v128.store(to, f32x4.mul(p, i32x4.shl(sumLow, 23)));
  v128.store(to, f32x4.mul(q, i32x4.shl(sumHigh, 23)), 16);
}

/** The natural logarithm of a positive normal number: x = m 2ᵉ, ln m = 2 artanh((m − 1) / (m + 1)) by its series. */
export function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = ((bits >> 52) as i32) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const t = s * s;
  let series = 1.0 / 15;
  series = series * t + 1.0 / 13;
  series = series * t + 1.0 / 11;
  series = series * t + 1.0 / 9;
  series = series * t + 1.0 / 7;
  series = series * t + 1.0 / 5;
  series = series * t + 1.0 / 3;
  return (exponent as f64) * LN_2 + 2 * s * (1 + t * series);
}
