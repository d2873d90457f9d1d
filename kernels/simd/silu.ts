import { expNonPositive4 } from "./exp";
import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// silu_forward: y = x σ(x), σ(x) = 1 / (1 + e⁻ˣ)
// silu_backward: dX (+)= dY σ(x) (1 + x (1 − σ(x)))
// All arrays: (n). A worker takes whole cache lines of elements.
// Source: Elfwing et al. 2017, arXiv:1702.03118

/** σ(x), by e = e^−|x|, which cannot overflow: 1 / (1 + e) where x ≥ 0, e / (1 + e) elsewhere. @inline */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = expNonPositive4(f32x4.neg(f32x4.abs(x)));
  const numerator = v128.bitselect(e, one, i32x4.shr_s(x, 31));
  return f32x4.div(numerator, f32x4.add(one, e));
}

/** The derivative of x σ(x), given both. @inline */
export function siluSlope(x: v128, s: v128): v128 {
  return f32x4.mul(s, f32x4.relaxed_madd(x, f32x4.sub(f32x4.splat(1), s), f32x4.splat(1)));
}

export function silu_forward(x: usize, y: usize, n: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const value = v128.load(x + at);
      v128.store(y + at, f32x4.mul(value, sigmoid(value)));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const value = loadTail(x + at, end - i);
      storeTail(y + at, f32x4.mul(value, sigmoid(value)), end - i);
    }
  }
}

export function silu_backward(
  x: usize,
  dY: usize,
  dX: usize,
  n: u32,
  accumulate: u32,
  work: usize,
): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const value = v128.load(x + at);
      let gradient = f32x4.mul(v128.load(dY + at), siluSlope(value, sigmoid(value)));
      if (accumulate) gradient = f32x4.add(v128.load(dX + at), gradient);
      v128.store(dX + at, gradient);
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      const value = loadTail(x + at, rest);
      let gradient = f32x4.mul(loadTail(dY + at, rest), siluSlope(value, sigmoid(value)));
      if (accumulate) gradient = f32x4.add(loadTail(dX + at, rest), gradient);
      storeTail(dX + at, gradient, rest);
    }
  }
}
