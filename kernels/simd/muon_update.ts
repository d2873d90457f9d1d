import { loadLanes, storeLanes } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// muon_update: parameters = parameters (1 − lr weightDecay) − lr factor direction
// direction, parameters: (n), parameters read and written; schedule: (1) = lr; clip: (2).
// A worker takes whole cache lines of elements. Where clip[1] is 0 nothing changes.

export function muon_update(
  direction: usize,
  clip: usize,
  schedule: usize,
  parameters: usize,
  n: u32,
  factor: f64,
  weightDecay: f64,
  work: usize,
): void {
  const lr = load<f32>(schedule) as f64;
  const keep = f32x4.splat((1 - lr * weightDecay) as f32);
  const step = f32x4.splat((-lr * factor) as f32);
  divideElements(work, load<f32>(clip, 4) === 0 ? 0 : n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const count = (end - i) as i32;
      const kept = f32x4.mul(loadLanes(parameters + at, count), keep);
      storeLanes(parameters + at, f32x4.relaxed_madd(step, loadLanes(direction + at, count), kept), count);
    }
  }
}
