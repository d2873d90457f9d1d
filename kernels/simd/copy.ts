import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// copy: y[i] = x[i], or y[i] += x[i] where accumulate is 1
// x, y: (n). A worker takes whole cache lines of elements.

export function copy(x: usize, y: usize, n: u32, accumulate: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    if (!accumulate) {
      memory.copy(y + ((i as usize) << 2), x + ((i as usize) << 2), ((end - i) as usize) << 2);
      continue;
    }
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      v128.store(y + at, f32x4.add(v128.load(y + at), v128.load(x + at)));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      storeTail(y + at, f32x4.add(loadTail(y + at, rest), loadTail(x + at, rest)), rest);
    }
  }
}
