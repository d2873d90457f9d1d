// x, y: (rows, D), weight, bias: (D), mean, rstd: (rows), partials: (P, D).
import type { Named, Numbers } from "./kernel.ts";

/** y = (x − mean) · rstd · weight + bias, rstd = 1 / √(variance + eps). */
export function layernormForward({ x, weight, bias }: Named<Numbers>, { rows, D, eps }: Named<number>) {
  const y = new Float64Array(rows * D);
  const [mean, rstd] = [0, 1].map(() => new Float64Array(rows));
  for (let r = 0; r < rows; r++) {
    const row = Array.from({ length: D }, (_, i) => x[r * D + i]);
    mean[r] = row.reduce((sum, value) => sum + value, 0) / D;
    const variance = row.reduce((sum, value) => sum + (value - mean[r]) ** 2, 0) / D;
    rstd[r] = 1 / Math.sqrt(variance + eps);
    for (let i = 0; i < D; i++) y[r * D + i] = (row[i] - mean[r]) * rstd[r] * weight[i] + bias[i];
  }
  return { y, mean, rstd };
}

/** With g = dY · weight and n = (x − mean) · rstd: dX = rstd · (g − mean(g) − n · mean(g · n)). */
export function layernormBackwardInput(
  { x, weight, mean, rstd, dY }: Named<Numbers>,
  { rows, D }: Named<number>,
) {
  const dX = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    const normed = (i: number) => (x[r * D + i] - mean[r]) * rstd[r];
    let [plain, along] = [0, 0];
    for (let i = 0; i < D; i++) {
      plain += dY[r * D + i] * weight[i];
      along += dY[r * D + i] * weight[i] * normed(i);
    }
    for (let i = 0; i < D; i++) {
      dX[r * D + i] = rstd[r] * (dY[r * D + i] * weight[i] - plain / D - normed(i) * along / D);
    }
  }
  return { dX };
}

/** partials[p] = Σ of dY · (x − mean) · rstd over the rows ⌊p · rows / P⌋ … ⌊(p + 1) · rows / P⌋ − 1. */
export function layernormBackwardWeight({ x, mean, rstd, dY }: Named<Numbers>, { rows, D, P }: Named<number>) {
  const partials = new Float64Array(P * D);
  for (let p = 0; p < P; p++) {
    for (let r = Math.floor(p * rows / P); r < Math.floor((p + 1) * rows / P); r++) {
      for (let i = 0; i < D; i++) partials[p * D + i] += dY[r * D + i] * (x[r * D + i] - mean[r]) * rstd[r];
    }
  }
  return { partials };
}
