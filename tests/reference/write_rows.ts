import type { Named, Numbers } from "./kernel.ts";

/** out[b, start + t] = x[b, t], other rows as before. x: (B, T, W), out: (B, S, W). */
export function writeRows(
  { x, start }: Named<Numbers>,
  { B, T, S, W }: Named<number>,
  before: Named<Float64Array>,
) {
  const out = before.out.slice();
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let w = 0; w < W; w++) out[(b * S + start[0] + t) * W + w] = x[(b * T + t) * W + w];
    }
  }
  return { out };
}
