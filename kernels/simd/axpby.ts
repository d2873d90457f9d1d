import { loadLanes, storeLanes } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// axpby: y[i] = alpha x[i] + beta y[i]
// x, y: (n), y read and written. A worker takes whole cache lines of elements.

export function axpby(x: usize, y: usize, n: u32, alpha: f64, beta: f64, work: usize): void {
  const alphas = f32x4.splat(alpha as f32);
  const betas = f32x4.splat(beta as f32);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const count = (end - i) as i32;
      const scaled = f32x4.mul(betas, loadLanes(y + at, count));
      storeLanes(y + at, f32x4.relaxed_madd(alphas, loadLanes(x + at, count), scaled), count);
    }
  }
}
