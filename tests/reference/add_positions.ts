// x, y, dY: (B, T, D); table, dTable: (S, D); start: (1).
import type { Named, Numbers } from "./kernel.ts";

/** y[b,t] = x[b,t] + table[start + t]. */
export function addPositionsForward({ x, table, start }: Named<Numbers>, { B, T, D }: Named<number>) {
  const y = new Float64Array(B * T * D);
  for (let i = 0; i < y.length; i++) y[i] = x[i] + table[start[0] * D + i % (T * D)];
  return { y };
}

/** dTable[start + t] = Σ over b of dY[b,t]. */
export function addPositionsBackward({ dY, start }: Named<Numbers>, { B, T, S, D }: Named<number>) {
  const dTable = new Float64Array(S * D);
  for (let i = 0; i < B * T * D; i++) dTable[start[0] * D + i % (T * D)] += dY[i];
  return { dTable };
}
