import { claim, divideElements, endElement, firstElement } from "./work";
import { loadLanes, storeLanes } from "./vector";

// masked_fill: y[i] = value where mask[i mod maskSize] is not 0, x[i] where it is; y[i] += that where accumulate is 1
// x, y: (n); mask: (maskSize) u32. A worker takes whole cache lines of elements, and goes through them by stretches that
// lie side by side in the mask too.

export function masked_fill(
  x: usize,
  mask: usize,
  y: usize,
  n: u32,
  maskSize: u32,
  accumulate: u32,
  value: f64,
  work: usize,
): void {
  const zeros = i32x4.splat(0);
  const values = f32x4.splat(value as f32);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    let j = i % maskSize;
    while (i < end) {
      const stretchEnd = i + min(end - i, maskSize - j);
      for (; i < stretchEnd; i += 4, j += 4) {
        const at = (i as usize) << 2;
        const rest = stretchEnd - i;
        const isFilled = i32x4.ne(loadLanes(mask + ((j as usize) << 2), rest), zeros);
        let filled = v128.bitselect(values, loadLanes(x + at, rest), isFilled);
        if (accumulate) filled = f32x4.add(loadLanes(y + at, rest), filled);
        storeLanes(y + at, filled, rest);
      }
      i = stretchEnd;
      j = 0;
    }
  }
}
