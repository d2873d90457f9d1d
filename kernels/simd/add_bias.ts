import { loadLanes, storeLanes } from "./vector";
import { claim, divideRows, endUnit, firstUnit } from "./work";

// add_bias: y[r,i] += bias[i]. y: (rows, D); bias: (D). A worker takes whole rows.

export function add_bias(bias: usize, y: usize, rows: u32, D: u32, work: usize): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const row = y + r * rowBytes;
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        storeLanes(row + at, f32x4.add(loadLanes(row + at, rest), loadLanes(bias + at, rest)), rest);
      }
    }
  }
}
