import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// sum_partials: y[d] (+)= Σ over p, in ascending p, of partials[p,d]
// partials: (P, D); y: (D). A worker takes whole cache lines of columns.

export function sum_partials(
  partials: usize,
  y: usize,
  P: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideElements(work, D);
  while (claim()) {
    const end = endElement(D);
    for (let d = firstElement(); d < end; d += 4) {
      const at = (d as usize) << 2;
      const rest = end - d;
      let from = partials + at;
      let sum = f32x4.splat(0);
      if (rest >= 4) {
        for (let p: u32 = 0; p < P; p++, from += rowBytes) sum = f32x4.add(sum, v128.load(from));
        v128.store(y + at, accumulate ? f32x4.add(v128.load(y + at), sum) : sum);
      } else {
        for (let p: u32 = 0; p < P; p++, from += rowBytes) sum = f32x4.add(sum, loadTail(from, rest));
        storeTail(y + at, accumulate ? f32x4.add(loadTail(y + at, rest), sum) : sum, rest);
      }
    }
  }
}
