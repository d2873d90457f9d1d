import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// sub_forward: y[i] = a[i] − b[i]
// a, b, y: (n). A worker takes whole cache lines of elements. Overwrites y.

export function sub_forward(a: usize, b: usize, y: usize, n: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      v128.store(y + at, f32x4.sub(v128.load(a + at), v128.load(b + at)));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      storeTail(y + at, f32x4.sub(loadTail(a + at, rest), loadTail(b + at, rest)), rest);
    }
  }
}
