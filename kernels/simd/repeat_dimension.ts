import { loadTail, storeTail } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// repeat_dimension: y[o,l,i] (+)= factor · x[o,i], the same for each l.
// x: (outer, inner); y: (outer, length, inner). A worker takes whole cache lines of y.

export function repeat_dimension(
  x: usize,
  y: usize,
  outer: u32,
  length: u32,
  inner: u32,
  factor: f32,
  accumulate: u32,
  work: usize,
): void {
  const n = outer * length * inner;
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let at = firstElement();
    while (at < end) {
      if (inner === 1) {
        const o = at / length;
        const count = min((o + 1) * length, end) - at;
        const value = v128.load_splat<f32>(x + (o << 2));
        fill(f32x4.mul(f32x4.splat(factor), value), y + (at << 2), count, accumulate !== 0);
        at += count;
      } else {
        const row = at / inner;
        const i = at - row * inner;
        const count = min(inner - i, end - at);
        scale(factor, x + ((row / length * inner + i) << 2), y + (at << 2), count, accumulate !== 0);
        at += count;
      }
    }
  }
}

/** Writes n floats of one value, or adds it to them. */
function fill(value: v128, to: usize, n: u32, add: bool): void {
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(to, add ? f32x4.add(v128.load(to), value) : value);
    to += 16;
  }
  if (i < n) storeTail(to, add ? f32x4.add(loadTail(to, n - i), value) : value, n - i);
}

/** Writes n floats, each factor times another, or adds that to them. */
function scale(factor: f32, from: usize, to: usize, n: u32, add: bool): void {
  const factor4 = f32x4.splat(factor);
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    const value = f32x4.mul(factor4, v128.load(from));
    v128.store(to, add ? f32x4.add(v128.load(to), value) : value);
    from += 16;
    to += 16;
  }
  if (i < n) {
    const value = f32x4.mul(factor4, loadTail(from, n - i));
    storeTail(to, add ? f32x4.add(loadTail(to, n - i), value) : value, n - i);
  }
}
