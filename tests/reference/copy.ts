import type { Named, Numbers } from "./kernel.ts";

/** y = x. */
export function copy({ x }: Named<Numbers>, { n }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = x[i];
  return { y };
}
