// x: (rows, I), weight: (O, I), y: (rows, O).
import type { Named, Numbers } from "./kernel.ts";

/** y = x Wᵀ. */
export function linearForward({ x, weight }: Named<Numbers>, { rows, I, O }: Named<number>) {
  const y = new Float64Array(rows * O);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = 0; i < I; i++) sum += x[r * I + i] * weight[o * I + i];
      y[r * O + o] = sum;
    }
  }
  return { y };
}

/** dX = dY W. */
export function linearBackwardInput({ dY, weight }: Named<Numbers>, { rows, I, O }: Named<number>) {
  const dX = new Float64Array(rows * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dX[r * I + i] += dY[r * O + o] * weight[o * I + i];
    }
  }
  return { dX };
}

/** dW = dYᵀ x. */
export function linearBackwardWeight({ dY, x }: Named<Numbers>, { rows, I, O }: Named<number>) {
  const dWeight = new Float64Array(O * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dWeight[o * I + i] += dY[r * O + o] * x[r * I + i];
    }
  }
  return { dWeight };
}
