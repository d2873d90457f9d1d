import { philox, philox_0, philox_1, philox_2, philox_3 } from "./philox";
import { loadLanes, storeLanes } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// dropout: y[i] (+)= factor x[i] where word i % 4 of Philox's block i / 4 is at least the threshold, 0 elsewhere
// x, y: (n); draw: (4) u32. A worker takes whole cache lines of elements, which are four blocks.
// Source: Salmon et al. 2011, SC '11; Srivastava et al. 2014, JMLR 15

export function dropout(
  x: usize,
  draw: usize,
  y: usize,
  n: u32,
  site: u32,
  threshold: u32,
  accumulate: u32,
  factor: f64,
  work: usize,
): void {
  const factors = f32x4.splat(factor as f32);
  const least = i32x4.splat(threshold as i32);
  const key0 = load<u32>(draw);
  const key1 = load<u32>(draw, 4) ^ 0x80000000;
  const low = load<u32>(draw, 8);
  const high = load<u32>(draw, 12);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 16) {
      philox(i >> 2, site, low, high, key0, key1);
      const at = (i as usize) << 2;
      const count = (end - i) as i32;
      keep(x + at, y + at, i32x4.ge_u(philox_0, least), factors, count, accumulate);
      if (count > 4) keep(x + at + 16, y + at + 16, i32x4.ge_u(philox_1, least), factors, count - 4, accumulate);
      if (count > 8) keep(x + at + 32, y + at + 32, i32x4.ge_u(philox_2, least), factors, count - 8, accumulate);
      if (count > 12) keep(x + at + 48, y + at + 48, i32x4.ge_u(philox_3, least), factors, count - 12, accumulate);
    }
  }
}

/** Up to four elements. @inline */
function keep(x: usize, y: usize, mask: v128, factors: v128, count: i32, accumulate: u32): void {
  let kept = v128.and(mask, f32x4.mul(factors, loadLanes(x, count)));
  if (accumulate) kept = f32x4.add(loadLanes(y, count), kept);
  storeLanes(y, kept, count);
}
