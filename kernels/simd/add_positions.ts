import { loadLanes, storeLanes } from "./vector";
import { claim, divideRows, endUnit, firstUnit } from "./work";

// add_positions_forward: y[b,t] = x[b,t] + table[start[0] + t]. A worker takes whole rows of y. Overwrites y.
// add_positions_backward: dTable[start[0] + t] (+)= Σ over b, ascending, of dY[b,t]; 0 for the other rows. A worker takes
//   whole rows of dTable.
// x, y, dY: (B, T, D); table, dTable: (S, D); start: (1) u32.
// Where the rows would lie beyond the table, they are taken for its last ones.

export function add_positions_forward(
  x: usize,
  table: usize,
  start: usize,
  y: usize,
  B: u32,
  T: u32,
  S: u32,
  D: u32,
  work: usize,
): void {
  const position = min(load<u32>(start), S - T);
  const rowBytes = (D as usize) << 2;
  divideRows(work, B * T, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const from = x + r * rowBytes;
      const to = y + r * rowBytes;
      const row = table + (position + r % T) * rowBytes;
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        storeLanes(to + at, f32x4.add(loadLanes(from + at, rest), loadLanes(row + at, rest)), rest);
      }
    }
  }
}

export function add_positions_backward(
  dY: usize,
  start: usize,
  dTable: usize,
  B: u32,
  T: u32,
  S: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const position = min(load<u32>(start), S - T);
  const rowBytes = (D as usize) << 2;
  divideRows(work, S, D);
  while (claim()) {
    for (let s = firstUnit; s < endUnit; s++) {
      const to = dTable + s * rowBytes;
      if (!accumulate) memory.fill(to, 0, rowBytes);
      if (s < position || s >= position + T) continue;
      for (let b: u32 = 0; b < B; b++) {
        const from = dY + (b * T + s - position) * rowBytes;
        for (let i: u32 = 0; i < D; i += 4) {
          const at = (i as usize) << 2;
          const rest = (D - i) as i32;
          storeLanes(to + at, f32x4.add(loadLanes(to + at, rest), loadLanes(from + at, rest)), rest);
        }
      }
    }
  }
}
