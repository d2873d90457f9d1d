import type { Named, Numbers } from "./kernel.ts";

/** y + bias, in each row. */
export function addBias({ bias }: Named<Numbers>, { rows, D }: Named<number>, before: Named<Float64Array>) {
  const y = before.y.slice();
  for (let r = 0; r < rows; r++) for (let i = 0; i < D; i++) y[r * D + i] += bias[i];
  return { y };
}
