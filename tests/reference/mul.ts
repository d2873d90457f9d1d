import type { Named, Numbers } from "./kernel.ts";

/** y = a · b. */
export function mulForward({ a, b }: Named<Numbers>, { n }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = a[i] * b[i];
  return { y };
}
