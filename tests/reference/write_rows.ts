import type { Named, Numbers } from "./kernel.ts";

/** out[b, start[b] + t] = x[b, t], other rows as before; one start is that of all b. x: (B, T, W), out: (B, S, W). */
export function writeRows(
  { x, start }: Named<Numbers>,
  { B, T, S, W, starts }: Named<number>,
  before: Named<Float64Array>,
) {
  const out = before.out.slice();
  for (let b = 0; b < B; b++) {
    const first = start[starts === 1 ? 0 : b];
    for (let t = 0; t < T; t++) {
      for (let w = 0; w < W; w++) out[(b * S + first + t) * W + w] = x[(b * T + t) * W + w];
    }
  }
  return { out };
}
