// Matrices that are turned: four rows and four columns at a time, so that both are read and written as they lie.

import { claim, divide, endUnit, firstUnit, LINE } from "./work";

/** Elements of a piece at least. */
const LEAST_ELEMENTS: u32 = 4096;

/**
 * y[i0,i1,i2,i3] = x[i0 stride0 + i1 stride1 + i2 + i3 stride3], or += where accumulate is 1. y: (n0, n1, n2, n3).
 * A worker takes bands of so many rows of a matrix of y as are a cache line in x.
 */
export function transposeMatrices(
  x: usize,
  y: usize,
  n0: u32,
  n1: u32,
  n2: u32,
  n3: u32,
  stride0: u32,
  stride1: u32,
  stride3: u32,
  accumulate: u32,
  work: usize,
): void {
  const bands = (n2 + LINE - 1) / LINE;
  const step = (stride3 as usize) << 2;
  const rowBytes = (n3 as usize) << 2;
  divide(work, n0 * n1 * bands, max<u32>(1, LEAST_ELEMENTS / LINE / n3));
  while (claim()) {
    for (let band = firstUnit; band < endUnit; band++) {
      const matrix = band / bands;
      const first = (band % bands) * LINE;
      const rows = min(LINE, n2 - first);
      const at = (matrix / n1) * stride0 + (matrix % n1) * stride1 + first;
      let from = x + ((at as usize) << 2);
      let to = y + (((matrix * n2 + first) * n3 as usize) << 2);
      let i: u32 = 0;
      for (; i + 4 <= n3; i += 4) {
        let row: u32 = 0;
        for (; row + 4 <= rows; row += 4) {
          turn4(from + ((row as usize) << 2), step, to + (row as usize) * rowBytes, rowBytes, accumulate);
        }
        turn(from + ((row as usize) << 2), step, to + (row as usize) * rowBytes, rowBytes, rows - row, 4, accumulate);
        from += 4 * step;
        to += 16;
      }
      turn(from, step, to, rowBytes, rows, n3 - i, accumulate);
    }
  }
}

/** Four rows of y from four numbers side by side in each of four lines of x. @inline */
function turn4(from: usize, step: usize, to: usize, rowBytes: usize, accumulate: u32): void {
  const a = v128.load(from);
  const b = v128.load(from + step);
  const c = v128.load(from + 2 * step);
  const d = v128.load(from + 3 * step);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  put(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), accumulate);
  put(to + rowBytes, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), accumulate);
  put(to + 2 * rowBytes, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), accumulate);
  put(to + 3 * rowBytes, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), accumulate);
}

/** @inline */
function put(to: usize, value: v128, accumulate: u32): void {
  v128.store(to, accumulate ? f32x4.add(v128.load(to), value) : value);
}

/** The same of any number of rows and columns, number by number. */
function turn(
  from: usize,
  step: usize,
  to: usize,
  rowBytes: usize,
  rows: u32,
  columns: u32,
  accumulate: u32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    for (let column: u32 = 0; column < columns; column++) {
      const value = load<f32>(from + (column as usize) * step + ((row as usize) << 2));
      const place = to + (row as usize) * rowBytes + ((column as usize) << 2);
      store<f32>(place, accumulate ? load<f32>(place) + value : value);
    }
  }
}
