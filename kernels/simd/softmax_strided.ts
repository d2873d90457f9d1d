import { expNonPositive4 } from "./exp";
import { loadLanes, storeLanes, writeLanes } from "./vector";
import { claim, divideRows, endUnit, firstUnit, LINE } from "./work";

// softmax_strided_forward: y[o,d,i] = exp(x[o,d,i] − max over d) / Σ over d of exp(x[o,d,i] − max over d). Overwrites y.
// softmax_strided_backward: dX[o,d,i] (+)= y[o,d,i] (dY[o,d,i] − Σ over d of dY[o,d,i] y[o,d,i])
// All arrays: (outer, D, inner).

/** Up to four columns of three arrays: the first elements of each, and how many rows and columns there are. */
type Columns = (a: usize, b: usize, c: usize, D: u32, rowBytes: usize, count: i32, add: bool) => void;

/** Shares out cache lines of columns among the workers, and goes down each, four columns at a time. */
function eachColumns(
  columns: Columns,
  a: usize,
  b: usize,
  c: usize,
  outer: u32,
  D: u32,
  inner: u32,
  add: bool,
  work: usize,
): void {
  const rowBytes = (inner as usize) << 2;
  const blocks = (inner + LINE - 1) / LINE;
  divideRows(work, outer * blocks, D * LINE);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const first = (unit / blocks) * D * inner;
      const column = (unit % blocks) * LINE;
      const end = min(column + LINE, inner);
      for (let i = column; i < end; i += 4) {
        const at = (first + i) << 2;
        columns(a + at, b + at, c + at, D, rowBytes, (inner - i) as i32, add);
      }
    }
  }
}

export function softmax_strided_forward(
  x: usize,
  y: usize,
  outer: u32,
  D: u32,
  inner: u32,
  work: usize,
): void {
  eachColumns(forwardColumns, x, y, 0, outer, D, inner, false, work);
}

function forwardColumns(x: usize, y: usize, _c: usize, D: u32, rowBytes: usize, count: i32, _add: bool): void {
  let largest = f32x4.splat(-Infinity);
  let from = x;
  for (let d: u32 = 0; d < D; d++, from += rowBytes) largest = f32x4.pmax(largest, loadLanes(from, count));
  let sum = f32x4.splat(0);
  from = x;
  let to = y;
  for (let d: u32 = 0; d < D; d++, from += rowBytes, to += rowBytes) {
    const e = expNonPositive4(f32x4.sub(loadLanes(from, count), largest));
    storeLanes(to, e, count);
    sum = f32x4.add(sum, e);
  }
  const scale = f32x4.div(f32x4.splat(1), sum);
  to = y;
  for (let d: u32 = 0; d < D; d++, to += rowBytes) storeLanes(to, f32x4.mul(loadLanes(to, count), scale), count);
}

export function softmax_strided_backward(
  y: usize,
  dY: usize,
  dX: usize,
  outer: u32,
  D: u32,
  inner: u32,
  accumulate: u32,
  work: usize,
): void {
  eachColumns(backwardColumns, y, dY, dX, outer, D, inner, accumulate !== 0, work);
}

function backwardColumns(y: usize, dY: usize, dX: usize, D: u32, rowBytes: usize, count: i32, add: bool): void {
  let along = f32x4.splat(0);
  let at: usize = 0;
  for (let d: u32 = 0; d < D; d++, at += rowBytes) {
    along = f32x4.relaxed_madd(loadLanes(dY + at, count), loadLanes(y + at, count), along);
  }
  at = 0;
  for (let d: u32 = 0; d < D; d++, at += rowBytes) {
    const gradient = f32x4.mul(loadLanes(y + at, count), f32x4.sub(loadLanes(dY + at, count), along));
    writeLanes(dX + at, gradient, count, add);
  }
}
