import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// mul_forward: y[i] = a[i] b[i], or y[i] += a[i] b[i] where accumulate is 1
// a, b, y: (n). A worker takes whole cache lines of elements.

export function mul_forward(a: usize, b: usize, y: usize, n: u32, accumulate: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      let product = f32x4.mul(v128.load(a + at), v128.load(b + at));
      if (accumulate) product = f32x4.add(v128.load(y + at), product);
      v128.store(y + at, product);
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      let product = f32x4.mul(loadTail(a + at, rest), loadTail(b + at, rest));
      if (accumulate) product = f32x4.add(loadTail(y + at, rest), product);
      storeTail(y + at, product, rest);
    }
  }
}
