import type { Named, Numbers } from "./kernel.ts";

/** y[d] = Σ over p of partials[p, d]. */
export function sumPartials({ partials }: Named<Numbers>, { P, D }: Named<number>) {
  const y = new Float64Array(D);
  for (let p = 0; p < P; p++) {
    for (let d = 0; d < D; d++) y[d] += partials[p * D + d];
  }
  return { y };
}
