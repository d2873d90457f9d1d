// x: (rows, xWidth), y: (rows, yWidth).
import type { Named, Numbers } from "./kernel.ts";

/** y[r, yFirst + j] = x[r, xFirst + j] for j < count, all else 0. */
export function copyColumns({ x }: Named<Numbers>, { rows, xWidth, yWidth, xFirst, yFirst, count }: Named<number>) {
  const y = new Float64Array(rows * yWidth);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) y[r * yWidth + yFirst + j] = x[r * xWidth + xFirst + j];
  }
  return { y };
}

/** y[r, yFirst + j] = x[r, j], other columns as before. */
export function writeColumns(
  { x }: Named<Numbers>,
  { rows, xWidth, yWidth, yFirst }: Named<number>,
  before: Named<Float64Array>,
) {
  const y = before.y.slice();
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < xWidth; j++) y[r * yWidth + yFirst + j] = x[r * xWidth + j];
  }
  return { y };
}
