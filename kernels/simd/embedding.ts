import { claim, divide, divideRows, endElement, endUnit, firstElement, firstUnit, LINE } from "./work";
import { loadLanes, loadTail, storeLanes, storeTail } from "./vector";

// embedding_forward: y[n] = weight[ids[n]]; add_embedding_forward: y[n] = x[n] + weight[ids[n]]. A worker takes whole rows
//   of y. Overwrites y.
// embedding_backward: dWeight[v] (+)= Σ over n with ids[n] = v, in ascending n, of dY[n]
//   A worker takes blocks of columns: token frequencies are too uneven for ranges of the vocabulary.
// Ids beyond V are taken for the last.
// ids: (N) u32; weight, dWeight: (V, D); x, y, dY: (N, D).

/** Cache lines of a block of columns at least. */
const LEAST_LINES: u32 = 4;

export function embedding_forward(
  ids: usize,
  weight: usize,
  y: usize,
  N: u32,
  V: u32,
  D: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, N, D);
  while (claim()) {
    for (let n = firstUnit; n < endUnit; n++) {
      const v = min(load<u32>(ids + ((n as usize) << 2)), V - 1);
      memory.copy(y + n * rowBytes, weight + v * rowBytes, rowBytes);
    }
  }
}

export function add_embedding_forward(
  x: usize,
  ids: usize,
  weight: usize,
  y: usize,
  N: u32,
  V: u32,
  D: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, N, D);
  while (claim()) {
    for (let n = firstUnit; n < endUnit; n++) {
      const row = weight + min(load<u32>(ids + ((n as usize) << 2)), V - 1) * rowBytes;
      const from = x + n * rowBytes;
      const to = y + n * rowBytes;
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        storeLanes(to + at, f32x4.add(loadLanes(from + at, rest), loadLanes(row + at, rest)), rest);
      }
    }
  }
}

export function embedding_backward(
  ids: usize,
  dY: usize,
  dWeight: usize,
  N: u32,
  V: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divide(work, (D + LINE - 1) / LINE, LEAST_LINES);
  while (claim()) {
    const begin = firstElement();
    const end = endElement(D);
    if (!accumulate) {
      for (let v: u32 = 0; v < V; v++) {
        memory.fill(dWeight + v * rowBytes + ((begin as usize) << 2), 0, ((end - begin) as usize) << 2);
      }
    }
    for (let n: u32 = 0; n < N; n++) {
      const v = min(load<u32>(ids + ((n as usize) << 2)), V - 1);
      const from = dY + n * rowBytes;
      const to = dWeight + v * rowBytes;
      let d = begin;
      for (; d + 4 <= end; d += 4) {
        const at = (d as usize) << 2;
        v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
      }
      if (d < end) {
        const at = (d as usize) << 2;
        storeTail(to + at, f32x4.add(loadTail(to + at, end - d), loadTail(from + at, end - d)), end - d);
      }
    }
  }
}
