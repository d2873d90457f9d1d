import type { Named, Numbers } from "./kernel.ts";

/** y = cap · tanh(x / cap). */
export function softCapForward({ x }: Named<Numbers>, { n, cap }: Named<number>) {
  return { y: Float64Array.from({ length: n }, (_, i) => cap * Math.tanh(x[i] / cap)) };
}

/** dX = dY / cosh²(x / cap). */
export function softCapBackward({ x, dY }: Named<Numbers>, { n, cap }: Named<number>) {
  return { dX: Float64Array.from({ length: n }, (_, i) => dY[i] / Math.cosh(x[i] / cap) ** 2) };
}

/** x = dY / cosh²(x / cap). */
export function softCapBackwardInPlace(
  inputs: Named<Numbers>,
  constants: Named<number>,
  { x }: Named<Float64Array>,
) {
  return { x: softCapBackward({ ...inputs, x }, constants).dX };
}
