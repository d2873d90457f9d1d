// ids: (N), weight: (V, D), y: (N, D).
import type { Named, Numbers } from "./kernel.ts";

/** y[n] = weight[ids[n]]. */
export function embeddingForward({ ids, weight }: Named<Numbers>, { N, D }: Named<number>) {
  const y = new Float64Array(N * D);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) y[n * D + d] = weight[ids[n] * D + d];
  }
  return { y };
}

/** dWeight[v] = Σ over n with ids[n] = v of dY[n]. */
export function embeddingBackward({ ids, dY }: Named<Numbers>, { N, V, D }: Named<number>) {
  const dWeight = new Float64Array(V * D);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) dWeight[ids[n] * D + d] += dY[n * D + d];
  }
  return { dWeight };
}
