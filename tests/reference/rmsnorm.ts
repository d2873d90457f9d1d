// x, y: (rows, D), weight: (D), rstd: (rows), partials: (P, D).
import type { Named, Numbers } from "./kernel.ts";

/** y = x · rstd · weight, rstd = 1 / √(mean(x²) + eps). */
export function rmsnormForward({ x, weight }: Named<Numbers>, { rows, D, eps }: Named<number>) {
  const y = new Float64Array(rows * D);
  const rstd = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let i = 0; i < D; i++) squares += x[r * D + i] ** 2;
    rstd[r] = 1 / Math.sqrt(squares / D + eps);
    for (let i = 0; i < D; i++) y[r * D + i] = x[r * D + i] * rstd[r] * weight[i];
  }
  return { y, rstd };
}

/** With g = dY · weight: dX = rstd · g − x · rstd³ · mean(g · x). */
export function rmsnormBackwardInput({ x, weight, rstd, dY }: Named<Numbers>, { rows, D }: Named<number>) {
  const dX = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    let dot = 0;
    for (let i = 0; i < D; i++) dot += dY[r * D + i] * weight[i] * x[r * D + i];
    const along = dot * rstd[r] ** 3 / D;
    for (let i = 0; i < D; i++) dX[r * D + i] = dY[r * D + i] * weight[i] * rstd[r] - x[r * D + i] * along;
  }
  return { dX };
}

/** partials[p] = Σ of dY · x · rstd over the rows ⌊p · rows / P⌋ … ⌊(p + 1) · rows / P⌋ − 1. */
export function rmsnormBackwardWeight({ x, rstd, dY }: Named<Numbers>, { rows, D, P }: Named<number>) {
  const partials = new Float64Array(P * D);
  for (let p = 0; p < P; p++) {
    for (let r = Math.floor(p * rows / P); r < Math.floor((p + 1) * rows / P); r++) {
      for (let i = 0; i < D; i++) partials[p * D + i] += dY[r * D + i] * x[r * D + i] * rstd[r];
    }
  }
  return { partials };
}
