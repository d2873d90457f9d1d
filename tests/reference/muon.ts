import type { Named, Numbers } from "./kernel.ts";

/** torch.optim.Muon's momentum with Nesterov's look ahead: two interpolations. */
export function muonMomentum(
  { gradients, clip }: Named<Numbers>,
  { n, beta }: Named<number>,
  before: Named<Float64Array>,
) {
  const momentum = before.momentum.slice();
  const direction = new Float64Array(n);
  if (clip[1] === 0) return { momentum, direction };
  for (let i = 0; i < n; i++) {
    const g = gradients[i] * clip[1];
    momentum[i] = beta * momentum[i] + (1 - beta) * g;
    direction[i] = beta * momentum[i] + (1 - beta) * g;
  }
  return { momentum, direction };
}

/** y = x / max(norm, eps). */
export function divideByNorm({ x, norm }: Named<Numbers>, { n, eps }: Named<number>) {
  return { y: Float64Array.from({ length: n }, (_, i) => x[i] / Math.max(norm[0], eps)) };
}

/** y = alpha x + beta y. */
export function axpby({ x }: Named<Numbers>, { n, alpha, beta }: Named<number>, before: Named<Float64Array>) {
  return { y: Float64Array.from({ length: n }, (_, i) => alpha * x[i] + beta * before.y[i]) };
}

/** The decay, then the step. schedule: lr. */
export function muonUpdate(
  { direction, clip, schedule }: Named<Numbers>,
  { n, factor, weightDecay }: Named<number>,
  before: Named<Float64Array>,
) {
  const parameters = before.parameters.slice();
  if (clip[1] === 0) return { parameters };
  for (let i = 0; i < n; i++) {
    parameters[i] *= 1 - schedule[0] * weightDecay;
    parameters[i] -= schedule[0] * factor * direction[i];
  }
  return { parameters };
}
