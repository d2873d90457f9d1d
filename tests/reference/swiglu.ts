import type { Named, Numbers } from "./kernel.ts";
import { sigmoid, siluDerivative } from "./silu.ts";

/** y = silu(gate) · up. */
export function swigluForward({ gate, up }: Named<Numbers>, { n }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
  return { y };
}

/** dGate = dY · up · silu′(gate); dUp = dY · silu(gate). */
export function swigluBackward({ gate, up, dY }: Named<Numbers>, { n }: Named<number>) {
  const dGate = new Float64Array(n);
  const dUp = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    dGate[i] = dY[i] * up[i] * siluDerivative(gate[i]);
    dUp[i] = dY[i] * gate[i] * sigmoid(gate[i]);
  }
  return { dGate, dUp };
}
