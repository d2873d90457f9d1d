import type { Named, Numbers } from "./kernel.ts";

/** One step in torch.optim.SGD's order: the decay joins the gradient. schedule: lr. */
export function sgd(
  { gradients, clip, schedule }: Named<Numbers>,
  { n, weightDecay }: Named<number>,
  before: Named<Float64Array>,
) {
  const parameters = before.parameters.slice();
  if (clip[1] === 0) return { parameters };
  for (let i = 0; i < n; i++) {
    const g = gradients[i] * clip[1] + weightDecay * parameters[i];
    parameters[i] -= schedule[0] * g;
  }
  return { parameters };
}
