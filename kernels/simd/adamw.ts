import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// adamw: g = gradients clip[1]; m = m + (1 − β₁) (g − m); v = β₂ v + (1 − β₂) g²;
//   parameters = parameters (1 − lr weightDecay) − lr / c₁ · m / (√v / √c₂ + eps)
// gradients, parameters, m, v: (n), the last three read and written; schedule: (3) = lr, c₁, c₂; clip: (2).
// The constants come as f64, so that 1 − β₂ is not spoilt by rounding β₂ first.
// A worker takes whole cache lines of elements. Where clip[1] is 0 nothing changes.
// Source: Loshchilov & Hutter 2017, arXiv:1711.05101; order of operations as in torch.optim.AdamW

export function adamw(
  gradients: usize,
  clip: usize,
  schedule: usize,
  parameters: usize,
  m: usize,
  v: usize,
  n: u32,
  beta1: f64,
  beta2: f64,
  eps: f64,
  weightDecay: f64,
  work: usize,
): void {
  const lr = load<f32>(schedule) as f64;
  const factor = v128.load_splat<f32>(clip, 4);
  const keep = f32x4.splat((1 - lr * weightDecay) as f32);
  const step = f32x4.splat((-lr / (load<f32>(schedule, 4) as f64)) as f32);
  const rootInverse = f32x4.splat((1 / sqrt<f64>(load<f32>(schedule, 8) as f64)) as f32);
  const b1 = f32x4.splat((1 - beta1) as f32);
  const b2 = f32x4.splat(beta2 as f32);
  const b2Rest = f32x4.splat((1 - beta2) as f32);
  const eps4 = f32x4.splat(eps as f32);
  divideElements(work, load<f32>(clip, 4) === 0 ? 0 : n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const g = f32x4.mul(v128.load(gradients + at), factor);
      const mOld = v128.load(m + at);
      const mNew = f32x4.relaxed_madd(b1, f32x4.sub(g, mOld), mOld);
      const vNew = f32x4.relaxed_madd(f32x4.mul(g, b2Rest), g, f32x4.mul(v128.load(v + at), b2));
      const denominator = f32x4.relaxed_madd(f32x4.sqrt(vNew), rootInverse, eps4);
      const kept = f32x4.mul(v128.load(parameters + at), keep);
      v128.store(m + at, mNew);
      v128.store(v + at, vNew);
      v128.store(parameters + at, f32x4.relaxed_madd(step, f32x4.div(mNew, denominator), kept));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      const g = f32x4.mul(loadTail(gradients + at, rest), factor);
      const mOld = loadTail(m + at, rest);
      const mNew = f32x4.relaxed_madd(b1, f32x4.sub(g, mOld), mOld);
      const vNew = f32x4.relaxed_madd(f32x4.mul(g, b2Rest), g, f32x4.mul(loadTail(v + at, rest), b2));
      const denominator = f32x4.relaxed_madd(f32x4.sqrt(vNew), rootInverse, eps4);
      const kept = f32x4.mul(loadTail(parameters + at, rest), keep);
      storeTail(m + at, mNew, rest);
      storeTail(v + at, vNew, rest);
      storeTail(parameters + at, f32x4.relaxed_madd(step, f32x4.div(mNew, denominator), kept), rest);
    }
  }
}
