// logits: (rows, V); targets, losses, lse: (rows); dLoss: (1).
import type { Named, Numbers } from "./kernel.ts";
import { logSumExp } from "./softmax.ts";

/** losses = lse − logits[target], lse = log Σ exp(logits). */
export function crossEntropyForward({ logits, targets }: Named<Numbers>, { rows, V }: Named<number>) {
  const losses = new Float64Array(rows);
  const lse = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    lse[r] = logSumExp(logits, r * V, V);
    losses[r] = lse[r] - logits[r * V + targets[r]];
  }
  return { losses, lse };
}

/** dLogits = dLoss / rows · (exp(logits − lse) · (1 + 2 z lse) − [v = target]). */
export function crossEntropyBackward(
  { logits, targets, lse, dLoss }: Named<Numbers>,
  { rows, V, z }: Named<number>,
) {
  const dLogits = new Float64Array(rows * V);
  for (let r = 0; r < rows; r++) {
    for (let v = 0; v < V; v++) {
      const probability = Math.exp(logits[r * V + v] - lse[r]);
      dLogits[r * V + v] = dLoss[0] / rows * (probability * (1 + 2 * z * lse[r]) - (v === targets[r] ? 1 : 0));
    }
  }
  return { dLogits };
}

/** The same in the place of the logits. */
export function crossEntropyBackwardInPlace(
  inputs: Named<Numbers>,
  constants: Named<number>,
  { logits }: Named<Float64Array>,
) {
  return { logits: crossEntropyBackward({ ...inputs, logits }, constants).dLogits };
}

/** y = Σ x / n. */
export function meanForward({ x }: Named<Numbers>, { n }: Named<number>) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[i];
  return { y: Float64Array.of(sum / n) };
}
