import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// sgd: parameters = parameters (1 − lr weightDecay) − lr gradients clip[1]
// gradients: (n); parameters: (n), read and written; schedule: (1) = lr; clip: (2).
// A worker takes whole cache lines of elements. Where clip[1] is 0 nothing changes.
// Source: Robbins & Monro 1951

export function sgd(
  gradients: usize,
  clip: usize,
  schedule: usize,
  parameters: usize,
  n: u32,
  weightDecay: f64,
  work: usize,
): void {
  const lr = load<f32>(schedule) as f64;
  const keep = f32x4.splat((1 - lr * weightDecay) as f32);
  const step = f32x4.splat((-lr * (load<f32>(clip, 4) as f64)) as f32);
  divideElements(work, load<f32>(clip, 4) === 0 ? 0 : n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const rest = end - i;
      if (rest >= 4) {
        const kept = f32x4.mul(v128.load(parameters + at), keep);
        v128.store(parameters + at, f32x4.relaxed_madd(step, v128.load(gradients + at), kept));
      } else {
        const kept = f32x4.mul(loadTail(parameters + at, rest), keep);
        storeTail(parameters + at, f32x4.relaxed_madd(step, loadTail(gradients + at, rest), kept), rest);
      }
    }
  }
}
