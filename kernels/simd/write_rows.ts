import { claim, divideRows, endUnit, firstUnit } from "./work";

// write_rows: out[b, start[0] + t] = x[b,t], those beyond S dropped, other rows untouched
// x: (B, T, W); out: (B, S, W); start: (1) u32. A worker takes whole rows of x.

export function write_rows(
  x: usize,
  start: usize,
  out: usize,
  B: u32,
  T: u32,
  S: u32,
  W: u32,
  work: usize,
): void {
  const rowBytes = (W as usize) << 2;
  const first = min(load<u32>(start), S);
  divideRows(work, B * T, W);
  while (claim()) {
    for (let row = firstUnit; row < endUnit; row++) {
      const s = first + row % T;
      if (s >= S) continue;
      const to = (row / T) * S + s;
      memory.copy(out + to * rowBytes, x + row * rowBytes, rowBytes);
    }
  }
}
