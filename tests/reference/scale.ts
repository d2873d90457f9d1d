import type { Named, Numbers } from "./kernel.ts";

/** y = factor · x. */
export function scale({ x }: Named<Numbers>, { n, factor }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = factor * x[i];
  return { y };
}
