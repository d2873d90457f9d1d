import type { Named, Numbers } from "./kernel.ts";

/** y = x · Φ(x). */
export function geluForward({ x }: Named<Numbers>, { n, exact }: Named<number>) {
  return { y: Float64Array.from({ length: n }, (_, i) => x[i] * share(x[i], exact === 1)) };
}

/** dX = dY · (Φ(x) + x Φ′(x)). */
export function geluBackward({ x, dY }: Named<Numbers>, { n, exact }: Named<number>) {
  return { dX: Float64Array.from({ length: n }, (_, i) => dY[i] * slope(x[i], exact === 1)) };
}

/** y = gelu(gate) · up. */
export function gegluForward({ gate, up }: Named<Numbers>, { n }: Named<number>) {
  return { y: Float64Array.from({ length: n }, (_, i) => gate[i] * share(gate[i], false) * up[i]) };
}

/** dGate = dY · up · gelu′(gate); dUp = dY · gelu(gate). */
export function gegluBackward({ gate, up, dY }: Named<Numbers>, { n }: Named<number>) {
  return {
    dGate: Float64Array.from({ length: n }, (_, i) => dY[i] * up[i] * slope(gate[i], false)),
    dUp: Float64Array.from({ length: n }, (_, i) => dY[i] * gate[i] * share(gate[i], false)),
  };
}

/** What tanh is taken of. */
function inner(x: number): number {
  return Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
}

/** Φ(x), or its approximation (1 + tanh u) / 2, for negative u as 1 / (1 + e^(−2u)) so that nothing cancels. */
function share(x: number, exact: boolean): number {
  return exact ? normal(x) : 1 / (1 + Math.exp(-2 * inner(x)));
}

/** The derivative of x times that. */
function slope(x: number, exact: boolean): number {
  if (exact) return normal(x) + x * Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
  const cosh = Math.cosh(inner(x));
  const tanhSlope = Number.isFinite(cosh ** 2) ? 1 / cosh ** 2 : 0;
  return share(x, false) + x / 2 * tanhSlope * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2);
}

/**
 * The share of the normal distribution below x: near 0 by the series ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …), further out by
 * the continued fraction φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))) of what lies beyond z.
 */
function normal(x: number): number {
  const density = Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) < 4) {
    let [term, sum] = [x, x];
    for (let k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
      term *= x * x / k;
      sum += term;
    }
    const near = 0.5 + density * sum;
    // For negative x the two cancel, but for x > −3 only in part.
    if (x > -3) return near;
  }
  const z = Math.abs(x);
  let rest = z;
  for (let k = 200; k >= 1; k--) rest = z + k / rest;
  const beyond = density / rest;
  return x < 0 ? beyond : 1 - beyond;
}
