import type { Named, Numbers } from "./kernel.ts";

/** y[r,i] = factors[r] · y[r,i]. */
export function scaleRows(
  { factors }: Named<Numbers>,
  { rows, D }: Named<number>,
  { y: before }: Named<Float64Array>,
) {
  const y = new Float64Array(rows * D);
  for (let i = 0; i < y.length; i++) y[i] = factors[Math.floor(i / D)] * before[i];
  return { y };
}
