// x of a sum, y of a repetition: (outer, length, inner).
import type { Named, Numbers } from "./kernel.ts";

/** y[o,p,i] = factor · Σ over the l of part p of x[o,l,i]; part p has the ⌈length / parts⌉ rows from there on. */
export function sumDimension({ x }: Named<Numbers>, { outer, length, inner, parts, factor }: Named<number>) {
  const y = new Float64Array(outer * parts * inner);
  const rows = Math.ceil(length / parts);
  for (let o = 0; o < outer; o++) {
    for (let l = 0; l < length; l++) {
      const p = Math.floor(l / rows);
      for (let i = 0; i < inner; i++) y[(o * parts + p) * inner + i] += factor * x[(o * length + l) * inner + i];
    }
  }
  return { y };
}

/** y[o,l,i] = factor · x[o,i]. */
export function repeatDimension({ x }: Named<Numbers>, { outer, length, inner, factor }: Named<number>) {
  const y = new Float64Array(outer * length * inner);
  for (let o = 0; o < outer; o++) {
    for (let l = 0; l < length; l++) {
      for (let i = 0; i < inner; i++) y[(o * length + l) * inner + i] = factor * x[o * inner + i];
    }
  }
  return { y };
}
