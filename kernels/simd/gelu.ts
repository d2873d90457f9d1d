import { expNonPositive4 } from "./exp";
import { sigmoid } from "./silu";
import { claim, divideElements, endElement, firstElement } from "./work";
import { loadLanes, storeLanes, writeLanes } from "./vector";

// gelu_forward: y = x Φ(x); gelu_backward: dX (+)= dY (Φ(x) + x Φ′(x))
// All arrays: (n). A worker takes whole cache lines of elements.
//
// By tanh: (1 + tanh(u)) / 2 = σ(2u), 2u = √(8/π) x (1 + 0.044715 x²).
// Exactly: Φ(−z) = e^(−z²/2) t p(t) for z ≥ 0, t = 1 / (1 + 0.35 z), with a polynomial that minimises the largest relative
// error for z up to 14: 4e-8; in float32 it is 3.5e-7. Fitted to the exact function at Chebyshev's points.
// Source: Hendrycks & Gimpel 2016, arXiv:1606.08415

const CONSTANTS = memory.data<f32>([
  1.5957691216057308, // √(8/π)
  0.07135481627159952, // √(8/π) 0.044715
  0.21406444881479857, // the same, three times
  0.35,
  -0.0295525694, // t⁸
  0.145892507,
  -0.25954765,
  0.163379195,
  -0.0258708353,
  0.106614,
  0.119570151,
  0.139895557,
  0.139619625, // 1
  0.3989422804014327, // 1 / √(2π)
]);

/** One of the constants in all lanes. @inline */
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** x between ±20: beyond, its share is 0 or 1 whatever it is. The operand order keeps NaN. @inline */
export function bounded(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(-20)), f32x4.splat(20));
}

/** What x is multiplied by, approximately, given it between ±20. @inline */
export function approximateShare(x: v128): v128 {
  return sigmoid(f32x4.mul(x, f32x4.relaxed_madd(f32x4.mul(x, x), constant(1), constant(0))));
}

/** gelu(x), approximately. @inline */
function approximate(x: v128): v128 {
  return f32x4.mul(x, approximateShare(bounded(x)));
}

/** The derivative of that, given x between ±20 and its share s: s + x s (1 − s) (√(8/π) + 3 √(8/π) 0.044715 x²). @inline */
export function approximateSlope(x: v128, s: v128): v128 {
  const inner = f32x4.mul(x, f32x4.relaxed_madd(f32x4.mul(x, x), constant(2), constant(0)));
  const rest = f32x4.sub(f32x4.splat(1), s);
  return f32x4.mul(s, f32x4.relaxed_madd(inner, rest, f32x4.splat(1)));
}

/** e^(−x²/2). @inline */
function bell(x: v128): v128 {
  return expNonPositive4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
}

/** Φ(x), given e^(−x²/2). @inline */
function normal(x: v128, e: v128): v128 {
  const one = f32x4.splat(1);
  const t = f32x4.div(one, f32x4.relaxed_madd(f32x4.abs(x), constant(3), one));
  let p = f32x4.relaxed_madd(constant(4), t, constant(5));
  p = f32x4.relaxed_madd(p, t, constant(6));
  p = f32x4.relaxed_madd(p, t, constant(7));
  p = f32x4.relaxed_madd(p, t, constant(8));
  p = f32x4.relaxed_madd(p, t, constant(9));
  p = f32x4.relaxed_madd(p, t, constant(10));
  p = f32x4.relaxed_madd(p, t, constant(11));
  p = f32x4.relaxed_madd(p, t, constant(12));
  const below = f32x4.mul(e, f32x4.mul(t, p));
  return v128.bitselect(below, f32x4.sub(one, below), i32x4.shr_s(x, 31));
}

/** The derivative of x Φ(x): Φ(x) + x e^(−x²/2) / √(2π). @inline */
function exactSlope(x: v128): v128 {
  const e = bell(x);
  return f32x4.relaxed_madd(f32x4.mul(x, constant(13)), e, normal(x, e));
}

export function gelu_forward(x: usize, y: usize, n: u32, exact: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const value = loadLanes(x + at, end - i);
      const result = exact ? f32x4.mul(value, normal(value, bell(value))) : approximate(value);
      storeLanes(y + at, result, end - i);
    }
  }
}

export function gelu_backward(
  x: usize,
  dY: usize,
  dX: usize,
  n: u32,
  exact: u32,
  accumulate: u32,
  work: usize,
): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const value = loadLanes(x + at, end - i);
      const near = bounded(value);
      const slope = exact ? exactSlope(value) : approximateSlope(near, approximateShare(near));
      writeLanes(dX + at, f32x4.mul(loadLanes(dY + at, end - i), slope), end - i, accumulate !== 0);
    }
  }
}
