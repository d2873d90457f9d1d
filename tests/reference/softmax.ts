// x, y: (rows, D).
import type { Named, Numbers } from "./kernel.ts";

/** y = exp(x − max) / Σ exp(x − max), row by row. */
export function softmaxForward({ x }: Named<Numbers>, { rows, D }: Named<number>) {
  const y = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    const max = largest(x, r * D, D);
    let sum = 0;
    for (let i = 0; i < D; i++) sum += Math.exp(x[r * D + i] - max);
    for (let i = 0; i < D; i++) y[r * D + i] = Math.exp(x[r * D + i] - max) / sum;
  }
  return { y };
}

/** dX = y · (dY − Σ dY · y), row by row. */
export function softmaxBackward({ y, dY }: Named<Numbers>, { rows, D }: Named<number>) {
  const dX = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    let dot = 0;
    for (let i = 0; i < D; i++) dot += dY[r * D + i] * y[r * D + i];
    for (let i = 0; i < D; i++) dX[r * D + i] = y[r * D + i] * (dY[r * D + i] - dot);
  }
  return { dX };
}

/** log Σ exp(x), over `count` elements from `offset` on, the largest taken out first. */
export function logSumExp(x: Numbers, offset: number, count: number): number {
  const max = largest(x, offset, count);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(x[offset + i] - max);
  return max + Math.log(sum);
}

function largest(x: Numbers, offset: number, count: number): number {
  let max = -Infinity;
  for (let i = 0; i < count; i++) max = Math.max(max, x[offset + i]);
  return max;
}
