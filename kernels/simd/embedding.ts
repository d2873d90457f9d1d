import { LINE, share } from "./slice";
import { loadTail, storeTail } from "./vector";

// embedding_forward: y[n] = weight[ids[n]]. A worker takes whole rows of y. Overwrites y.
// embedding_backward: dWeight[v] (+)= Σ over n with ids[n] = v, in ascending n, of dY[n]
//   A worker takes a block of columns, and, if there are more workers than cache lines in a row, one residue class of
//   the vocabulary: token frequencies are too uneven for ranges of it.
// ids: (N) u32; weight, dWeight: (V, D); y, dY: (N, D).

export function embedding_forward(
  ids: usize,
  weight: usize,
  y: usize,
  N: u32,
  _V: u32,
  D: u32,
  worker: u32,
  workers: u32,
): void {
  const rowBytes = (D as usize) << 2;
  const end = share(N, worker + 1, workers);
  for (let n = share(N, worker, workers); n < end; n++) {
    memory.copy(y + n * rowBytes, weight + load<u32>(ids + ((n as usize) << 2)) * rowBytes, rowBytes);
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
  worker: u32,
  workers: u32,
): void {
  const rowBytes = (D as usize) << 2;
  const blocks = min((D + LINE - 1) / LINE, workers);
  const classes = workers / blocks;
  const residue = worker / blocks;
  if (residue >= classes) return;
  const begin = share((D + LINE - 1) / LINE, worker % blocks, blocks) * LINE;
  const end = min(share((D + LINE - 1) / LINE, worker % blocks + 1, blocks) * LINE, D);
  if (!accumulate) {
    for (let v = residue; v < V; v += classes) {
      memory.fill(dWeight + v * rowBytes + ((begin as usize) << 2), 0, ((end - begin) as usize) << 2);
    }
  }
  for (let n: u32 = 0; n < N; n++) {
    const v = load<u32>(ids + ((n as usize) << 2));
    if (classes > 1 && v % classes !== residue) continue;
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
