import { claim, divideRows, endUnit, firstUnit } from "./work";

// write_rows: out[b, start[b] + t] = x[b,t], those beyond S dropped, other rows untouched; one start is that of all b
// x: (B, T, W); out: (B, S, W); start: (starts) u32, starts 1 or B. A worker takes whole rows of x.

export function write_rows(
  x: usize,
  start: usize,
  out: usize,
  B: u32,
  T: u32,
  S: u32,
  W: u32,
  starts: u32,
  work: usize,
): void {
  const rowBytes = (W as usize) << 2;
  divideRows(work, B * T, W);
  while (claim()) {
    for (let row = firstUnit; row < endUnit; row++) {
      const b = row / T;
      const first = load<u32>(start + ((min(b, starts - 1) as usize) << 2));
      const s = min(first, S) + row % T;
      if (s >= S) continue;
      const to = b * S + s;
      memory.copy(out + to * rowBytes, x + row * rowBytes, rowBytes);
    }
  }
}
