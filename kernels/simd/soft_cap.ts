import { expNonPositive4 } from "./exp";
import { claim, divideElements, endElement, firstElement } from "./work";
import { loadLanes, storeLanes, writeLanes } from "./vector";

// soft_cap_forward: y = cap tanh(x / cap)
// soft_cap_backward: dX (+)= dY (1 − tanh²(x / cap))
// soft_cap_backward_in_place: the same in the place of x, which it reads and overwrites.
// All arrays: (n). A worker takes whole cache lines of elements.
// Source: Gemma Team 2024 (Gemma 2), arXiv:2408.00118

// (tanh(u) / u − 1) / u² for |u| ≤ 0.625, as a polynomial of u² that minimises tanh's largest relative error: 4.4e-9.
const CONSTANTS = memory.data<f32>([
  -0.005704987445580516, // u⁸
  0.020639087651597044,
  -0.05373971521055185,
  0.13331442199666343,
  -0.3333328194206528, // 1
]);

/** One of the constants in all lanes. @inline */
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** e^(−2|u|). @inline */
function shrunk(u: v128): v128 {
  return expNonPositive4(f32x4.mul(f32x4.abs(u), f32x4.splat(-2)));
}

/** tanh(u): near 0 by the polynomial, as 1 − e^(−2|u|) would cancel. @inline */
function tanh4(u: v128): v128 {
  const one = f32x4.splat(1);
  const e = shrunk(u);
  const sign = v128.and(u, f32x4.splat(-0.0));
  const far = v128.or(f32x4.div(f32x4.sub(one, e), f32x4.add(one, e)), sign);
  const z = f32x4.mul(u, u);
  let p = f32x4.relaxed_madd(constant(0), z, constant(1));
  p = f32x4.relaxed_madd(p, z, constant(2));
  p = f32x4.relaxed_madd(p, z, constant(3));
  p = f32x4.relaxed_madd(p, z, constant(4));
  const near = f32x4.relaxed_madd(u, f32x4.mul(z, p), u);
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(u), f32x4.splat(0.625)));
}

/** Its derivative, 1 − tanh²(u) = 4e / (1 + e)², in which nothing cancels. @inline */
function tanhSlope4(u: v128): v128 {
  const e = shrunk(u);
  const sum = f32x4.add(f32x4.splat(1), e);
  return f32x4.div(f32x4.mul(f32x4.splat(4), e), f32x4.mul(sum, sum));
}

export function soft_cap_forward(x: usize, y: usize, n: u32, cap: f32, work: usize): void {
  const cap4 = f32x4.splat(cap);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const u = f32x4.div(loadLanes(x + at, end - i), cap4);
      storeLanes(y + at, f32x4.mul(cap4, tanh4(u)), end - i);
    }
  }
}

export function soft_cap_backward(
  x: usize,
  dY: usize,
  dX: usize,
  n: u32,
  accumulate: u32,
  cap: f32,
  work: usize,
): void {
  const cap4 = f32x4.splat(cap);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const slope = tanhSlope4(f32x4.div(loadLanes(x + at, end - i), cap4));
      writeLanes(dX + at, f32x4.mul(loadLanes(dY + at, end - i), slope), end - i, accumulate !== 0);
    }
  }
}

export function soft_cap_backward_in_place(dY: usize, x: usize, n: u32, cap: f32, work: usize): void {
  // Each element is loaded before it is stored.
  soft_cap_backward(x, dY, x, n, 0, cap, work);
}
