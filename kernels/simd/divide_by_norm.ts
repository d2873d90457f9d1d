import { loadLanes, storeLanes } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// divide_by_norm: y[i] = x[i] / max(norm[0], eps)
// x, y: (n); norm: (2) = norm, factor. A worker takes whole cache lines of elements.

export function divide_by_norm(x: usize, norm: usize, y: usize, n: u32, eps: f64, work: usize): void {
  const divisor = f32x4.splat(max<f32>(load<f32>(norm), eps as f32));
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const count = (end - i) as i32;
      storeLanes(y + at, f32x4.div(loadLanes(x + at, count), divisor), count);
    }
  }
}
