import { expNonPositive4 } from "./exp";
import { claim, divideRows, endUnit, firstUnit } from "./work";
import { dot, loadTail, maximum, storeTail, sumLanes } from "./vector";

// softmax_forward: y[r,i] = exp(x[r,i] − max(x[r])) / Σⱼ exp(x[r,j] − max(x[r])). Overwrites y.
// softmax_backward: dX[r,i] (+)= y[r,i] (dY[r,i] − Σⱼ dY[r,j] y[r,j])
// All arrays: (rows, D). A worker takes whole rows.

export function softmax_forward(x: usize, y: usize, rows: u32, D: u32, work: usize): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const from = x + r * rowBytes;
      const to = y + r * rowBytes;
      const largest = f32x4.splat(maximum(from, D));
      let sum = f32x4.splat(0);
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        const e = expNonPositive4(f32x4.sub(v128.load(from + at), largest));
        v128.store(to + at, e);
        sum = f32x4.add(sum, e);
      }
      let total = sumLanes(sum);
      for (; i < D; i++) {
        const at = (i as usize) << 2;
        const e = f32x4.extract_lane(expNonPositive4(f32x4.sub(v128.load_splat<f32>(from + at), largest)), 0);
        store<f32>(to + at, e);
        total += e;
      }
      const scale = f32x4.splat((1 as f32) / total);
      for (i = 0; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        v128.store(to + at, f32x4.mul(v128.load(to + at), scale));
      }
      if (i < D) {
        const at = (i as usize) << 2;
        storeTail(to + at, f32x4.mul(loadTail(to + at, D - i), scale), D - i);
      }
    }
  }
}

export function softmax_backward(
  y: usize,
  dY: usize,
  dX: usize,
  rows: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const yRow = y + r * rowBytes;
      const dYRow = dY + r * rowBytes;
      const dXRow = dX + r * rowBytes;
      const mean = f32x4.splat(dot(dYRow, yRow, D));
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        let gradient = f32x4.mul(v128.load(yRow + at), f32x4.sub(v128.load(dYRow + at), mean));
        if (accumulate) gradient = f32x4.add(v128.load(dXRow + at), gradient);
        v128.store(dXRow + at, gradient);
      }
      if (i < D) {
        const at = (i as usize) << 2;
        const rest = D - i;
        let gradient = f32x4.mul(loadTail(yRow + at, rest), f32x4.sub(loadTail(dYRow + at, rest), mean));
        if (accumulate) gradient = f32x4.add(loadTail(dXRow + at, rest), gradient);
        storeTail(dXRow + at, gradient, rest);
      }
    }
  }
}
