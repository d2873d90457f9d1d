import { claim, divide, endUnit, firstUnit, share } from "./work";
import { dot } from "./vector";

// clip_grad_norm_partials: partials[p] = Σ over part p of gradients², part p = elements ⌊p n / P⌋ ≤ i < ⌊(p + 1) n / P⌋.
//   A worker takes whole parts. Overwrites partials.
// clip_grad_norm_factor: clip[0] = norm = √Σ partials (in f64, ascending), clip[1] = min(1, maxNorm / (norm + 1e-6)).
//   clip[1] = 0, which stands for no update, where the norm is NaN or infinite. One worker, whichever comes first, makes it.
//   Overwrites clip.
// gradients: (n); partials: (P); clip: (2).
// Source: Pascanu et al. 2012, arXiv:1211.5063; 1e-6 as in torch.nn.utils.clip_grad_norm_

export function clip_grad_norm_partials(
  gradients: usize,
  partials: usize,
  n: u32,
  P: u32,
  work: usize,
): void {
  divide(work, P, 1);
  while (claim()) {
    for (let p = firstUnit; p < endUnit; p++) {
      const first = share(n, p, P);
      const part = gradients + ((first as usize) << 2);
      store<f32>(partials + ((p as usize) << 2), dot(part, part, share(n, p + 1, P) - first));
    }
  }
}

export function clip_grad_norm_factor(
  partials: usize,
  clip: usize,
  P: u32,
  maxNorm: f32,
  work: usize,
): void {
  divide(work, 1, 1);
  while (claim()) {
    let sum: f64 = 0;
    for (let p: u32 = 0; p < P; p++) sum += load<f32>(partials + ((p as usize) << 2)) as f64;
    const norm = sqrt<f64>(sum);
    store<f32>(clip, norm as f32);
    const isFinite = (norm as f32) < Infinity;
    store<f32>(clip, isFinite ? min<f64>(1, (maxNorm as f64) / (norm + 1e-6)) as f32 : 0, 4);
  }
}
