import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// scale: y[i] = factor x[i], or y[i] += factor x[i] where accumulate is 1
// x, y: (n). A worker takes whole cache lines of elements.

export function scale(x: usize, y: usize, n: u32, accumulate: u32, factor: f64, work: usize): void {
  const factors = f32x4.splat(factor as f32);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      let product = f32x4.mul(factors, v128.load(x + at));
      if (accumulate) product = f32x4.add(v128.load(y + at), product);
      v128.store(y + at, product);
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      let product = f32x4.mul(factors, loadTail(x + at, rest));
      if (accumulate) product = f32x4.add(loadTail(y + at, rest), product);
      storeTail(y + at, product, rest);
    }
  }
}
