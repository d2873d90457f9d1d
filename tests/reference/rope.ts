// x, y: (B·T, D), heads side by side; cos, sin: (positions, headDim / 2); rows are in runs of T.
// Row t of a run is at position start + t, with one start for all runs or one for each.
import type { Named, Numbers } from "./kernel.ts";

/** Rotates each pair (2i, 2i+1) of each head by its position's angle. */
export function ropeForward({ x, cos, sin, start }: Named<Numbers>, sizes: Named<number>) {
  return { y: rotate(x, cos, sin, start, sizes, 1) };
}

/** Rotates back: the inverse of a rotation is its transpose. */
export function ropeBackward({ dY, cos, sin, start }: Named<Numbers>, sizes: Named<number>) {
  return { dX: rotate(dY, cos, sin, start, sizes, -1) };
}

function rotate(x: Numbers, cos: Numbers, sin: Numbers, start: Numbers, sizes: Named<number>, sign: 1 | -1) {
  const { rows, T, D, headDim, starts } = sizes;
  const half = headDim / 2;
  const y = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    const run = Math.floor(r / T);
    const position = start[starts === 1 ? 0 : run] + r - run * T;
    for (let pair = 0; pair < D / 2; pair++) {
      const c = cos[position * half + pair % half];
      const s = sign * sin[position * half + pair % half];
      const even = x[r * D + 2 * pair];
      const odd = x[r * D + 2 * pair + 1];
      y[r * D + 2 * pair] = even * c - odd * s;
      y[r * D + 2 * pair + 1] = even * s + odd * c;
    }
  }
  return y;
}
