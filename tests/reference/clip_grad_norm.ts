import type { Named, Numbers } from "./kernel.ts";

/** partials[p] = Σ of gradients² over the elements ⌊p · n / P⌋ … ⌊(p + 1) · n / P⌋ − 1. */
export function clipGradNormPartials({ gradients }: Named<Numbers>, { n, P }: Named<number>) {
  const partials = new Float64Array(P);
  for (let p = 0; p < P; p++) {
    for (let i = Math.floor(p * n / P); i < Math.floor((p + 1) * n / P); i++) partials[p] += gradients[i] ** 2;
  }
  return { partials };
}

/** clip = (norm, min(1, maxNorm / (norm + 1e-6))), norm = √Σ partials; a factor of 0 for a norm that is not finite. */
export function clipGradNormFactor({ partials }: Named<Numbers>, { P, maxNorm }: Named<number>) {
  let squares = 0;
  for (let p = 0; p < P; p++) squares += partials[p];
  const norm = Math.sqrt(squares);
  return { clip: Float64Array.of(norm, Number.isFinite(norm) ? Math.min(1, maxNorm / (norm + 1e-6)) : 0) };
}
