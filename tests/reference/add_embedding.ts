import type { Named, Numbers } from "./kernel.ts";

/** y[n] = x[n] + weight[ids[n]]. x, y: (N, D), ids: (N), weight: (V, D). */
export function addEmbeddingForward({ x, ids, weight }: Named<Numbers>, { N, D }: Named<number>) {
  return { y: Float64Array.from({ length: N * D }, (_, i) => x[i] + weight[ids[Math.floor(i / D)] * D + i % D]) };
}
