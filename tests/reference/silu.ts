import type { Named, Numbers } from "./kernel.ts";

/** y = x · σ(x). */
export function siluForward({ x }: Named<Numbers>, { n }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = x[i] * sigmoid(x[i]);
  return { y };
}

/** dX = dY · silu′(x). */
export function siluBackward({ x, dY }: Named<Numbers>, { n }: Named<number>) {
  const dX = new Float64Array(n);
  for (let i = 0; i < n; i++) dX[i] = dY[i] * siluDerivative(x[i]);
  return { dX };
}

/** 1 / (1 + e⁻ˣ), by the form whose exponential cannot overflow. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** σ(x) + x σ(x) (1 − σ(x)), with 1 − σ(x) = σ(−x) so that nothing cancels. */
export function siluDerivative(x: number): number {
  return sigmoid(x) * (1 + x * sigmoid(-x));
}
