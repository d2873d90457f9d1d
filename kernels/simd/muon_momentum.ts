import { loadLanes, storeLanes } from "./vector";
import { claim, divideElements, endElement, firstElement } from "./work";

// muon_momentum: g = gradients clip[1]; momentum = momentum + (1 − β) (g − momentum);
//   direction = g + β (momentum − g), with the new momentum
// gradients, momentum, direction: (n), momentum read and written; clip: (2).
// The constant comes as f64, so that 1 − β is not spoilt by rounding β first.
// A worker takes whole cache lines of elements. Where clip[1] is 0 the momentum stays, and the direction is 0.
// Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; order of operations as in torch.optim.Muon

export function muon_momentum(
  gradients: usize,
  clip: usize,
  momentum: usize,
  direction: usize,
  n: u32,
  beta: f64,
  work: usize,
): void {
  const factor = v128.load_splat<f32>(clip, 4);
  const updates = load<f32>(clip, 4) !== 0;
  const beta4 = f32x4.splat(beta as f32);
  const rest4 = f32x4.splat((1 - beta) as f32);
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end; i += 4) {
      const at = (i as usize) << 2;
      const count = (end - i) as i32;
      let along = f32x4.splat(0);
      if (updates) {
        const g = f32x4.mul(loadLanes(gradients + at, count), factor);
        const old = loadLanes(momentum + at, count);
        const mean = f32x4.relaxed_madd(rest4, f32x4.sub(g, old), old);
        along = f32x4.relaxed_madd(beta4, f32x4.sub(mean, g), g);
        storeLanes(momentum + at, mean, count);
      }
      storeLanes(direction + at, along, count);
    }
  }
}
