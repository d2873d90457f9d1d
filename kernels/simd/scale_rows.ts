import { loadLanes, storeLanes } from "./vector";
import { claim, divideRows, endUnit, firstUnit } from "./work";

// scale_rows: y[r,i] *= factors[r]. y: (rows, D); factors: (rows). A worker takes whole rows.

export function scale_rows(factors: usize, y: usize, rows: u32, D: u32, work: usize): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const row = y + r * rowBytes;
      const factor = v128.load_splat<f32>(factors + ((r as usize) << 2));
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        storeLanes(row + at, f32x4.mul(factor, loadLanes(row + at, rest)), rest);
      }
    }
  }
}
