import { claim, divideElements, endElement, firstElement } from "./work";
import { loadLanes, storeLanes, writeLanes } from "./vector";

// relu_squared_forward: y = max(x, 0)²; relu_squared_backward: dX (+)= dY · 2 max(x, 0)
// All arrays: (n). A worker takes whole cache lines of elements.
// By a comparison that is false for NaN, which therefore stays.
// Source: So et al. 2021, arXiv:2109.08668

/** The value, but 0 where x < 0. @inline */
function whereNotNegative(value: v128, x: v128): v128 {
  return v128.andnot(value, f32x4.lt(x, f32x4.splat(0)));
}

export function relu_squared_forward(x: usize, y: usize, n: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const value = loadLanes(x + at, end - i);
      storeLanes(y + at, whereNotNegative(f32x4.mul(value, value), value), end - i);
    }
  }
}

export function relu_squared_backward(
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
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const value = loadLanes(x + at, end - i);
      const slope = whereNotNegative(f32x4.add(value, value), value);
      writeLanes(dX + at, f32x4.mul(loadLanes(dY + at, end - i), slope), end - i, accumulate !== 0);
    }
  }
}
