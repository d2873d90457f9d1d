// exp and log, in vectors of four and in scalars.
//
// exp: n = round(x / ln 2), r = x − n ln 2 (ln 2 in two parts), eʳ by a polynomial of degree 6 on |r| ≤ ln 2 / 2, times 2ⁿ.
// Within 1 unit in the last place or two. Source of the polynomial: S. Moshier, Cephes, expf.

const LOG2_E: f32 = 1.44269504088896341;
const LN_2_HIGH: f32 = 0.693359375;
const LN_2_LOW: f32 = -2.12194440e-4;

/** eʳ for |r| ≤ ln 2 / 2. @inline */
function expPolynomial(r: v128): v128 {
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.relaxed_madd(p, r, f32x4.splat(1.3981999507e-3));
  p = f32x4.relaxed_madd(p, r, f32x4.splat(8.3334519073e-3));
  p = f32x4.relaxed_madd(p, r, f32x4.splat(4.1665795894e-2));
  p = f32x4.relaxed_madd(p, r, f32x4.splat(1.6666665459e-1));
  p = f32x4.relaxed_madd(p, r, f32x4.splat(5.0000001201e-1));
  return f32x4.add(f32x4.relaxed_madd(f32x4.mul(p, r), r, r), f32x4.splat(1));
}

/** 2ⁿ for lanes of integers −126 ≤ n ≤ 127. @inline */
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** eˣ: 0 below the smallest subnormal, infinity above the largest float, NaN for NaN. @inline */
export function exp4(x: v128): v128 {
  // The operand order of pmax and pmin keeps NaN.
  const bounded = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89));
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(LOG2_E)));
  const high = f32x4.relaxed_nmadd(n, f32x4.splat(LN_2_HIGH), bounded);
  const r = f32x4.relaxed_nmadd(n, f32x4.splat(LN_2_LOW), high);
  const integer = i32x4.relaxed_trunc_f32x4_s(n);
  // In two factors, because n reaches −150 and 128.
  const half = i32x4.shr_s(integer, 1);
  const product = f32x4.mul(expPolynomial(r), powerOfTwo(half));
  return f32x4.mul(product, powerOfTwo(i32x4.sub(integer, half)));
}

/** eˣ for x ≤ 0, flushed to 0 below the smallest normal number; NaN for NaN. Cheaper than exp4. @inline */
export function expNonPositive4(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(-87.33));
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(LOG2_E)));
  const high = f32x4.relaxed_nmadd(n, f32x4.splat(LN_2_HIGH), bounded);
  const r = f32x4.relaxed_nmadd(n, f32x4.splat(LN_2_LOW), high);
  const y = f32x4.mul(expPolynomial(r), powerOfTwo(i32x4.relaxed_trunc_f32x4_s(n)));
  return v128.andnot(y, f32x4.lt(x, f32x4.splat(-87.33)));
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
  return (exponent as f64) * 0.6931471805599453 + 2 * s * (1 + t * series);
}
