import type { Named, Numbers } from "./kernel.ts";

/** y = max(x, 0)². */
export function reluSquaredForward({ x }: Named<Numbers>, { n }: Named<number>) {
  return { y: Float64Array.from({ length: n }, (_, i) => Math.max(x[i], 0) ** 2) };
}

/** dX = dY · 2 max(x, 0). */
export function reluSquaredBackward({ x, dY }: Named<Numbers>, { n }: Named<number>) {
  return { dX: Float64Array.from({ length: n }, (_, i) => dY[i] * 2 * Math.max(x[i], 0)) };
}
