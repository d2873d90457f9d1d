// x, y: (outer, D, inner). Columns are laid out as rows, for which softmax.ts has the formulas.
import type { Named, Numbers } from "./kernel.ts";
import { softmaxBackward, softmaxForward } from "./softmax.ts";

/** y = exp(x − max) / Σ exp(x − max), column by column. */
export function softmaxStridedForward({ x }: Named<Numbers>, constants: Named<number>) {
  const { rows, D } = rowsOf(constants);
  return { y: toColumns(softmaxForward({ x: toRows(x, constants) }, { rows, D }).y, constants) };
}

/** dX = y · (dY − Σ dY · y), column by column. */
export function softmaxStridedBackward({ y, dY }: Named<Numbers>, constants: Named<number>) {
  const inputs = { y: toRows(y, constants), dY: toRows(dY, constants) };
  return { dX: toColumns(softmaxBackward(inputs, rowsOf(constants)).dX, constants) };
}

function rowsOf({ outer, D, inner }: Named<number>) {
  return { rows: outer * inner, D };
}

/** (outer, D, inner) as (outer, inner, D). */
function toRows(x: Numbers, { outer, D, inner }: Named<number>): Float64Array {
  const rows = new Float64Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let d = 0; d < D; d++) {
      for (let i = 0; i < inner; i++) rows[(o * inner + i) * D + d] = x[(o * D + d) * inner + i];
    }
  }
  return rows;
}

/** (outer, inner, D) as (outer, D, inner). */
function toColumns(rows: Float64Array, { outer, D, inner }: Named<number>): Float64Array {
  return toRows(rows, { outer, D: inner, inner: D });
}
