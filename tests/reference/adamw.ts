import type { Named, Numbers } from "./kernel.ts";

/** One step, in torch.optim.AdamW's order: decay, moments, then the bias-corrected update. schedule: lr, 1 − β₁ᵗ, 1 − β₂ᵗ. */
export function adamw(
  { gradients, clip, schedule }: Named<Numbers>,
  { n, beta1, beta2, eps, weightDecay }: Named<number>,
  before: Named<Float64Array>,
) {
  const [lr, correction1, correction2] = schedule;
  const parameters = before.parameters.slice();
  const m = before.m.slice();
  const v = before.v.slice();
  if (clip[1] === 0) return { parameters, m, v };
  for (let i = 0; i < n; i++) {
    const g = gradients[i] * clip[1];
    parameters[i] -= lr * weightDecay * parameters[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    parameters[i] -= lr * (m[i] / correction1) / (Math.sqrt(v[i] / correction2) + eps);
  }
  return { parameters, m, v };
}
