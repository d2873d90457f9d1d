import { philox4x32 } from "../../lib/random/philox.ts";
import type { Named, Numbers } from "./kernel.ts";

/** Word i mod 4 of block ⌊i / 4⌋ decides; lib/random's Philox is held to published answers. */
export function dropout({ x, draw }: Named<Numbers>, { n, site, threshold, factor }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const block = Uint32Array.of(i >>> 2, site, draw[2], draw[3]);
    philox4x32(block, draw[0], (draw[1] ^ 0x80000000) >>> 0);
    y[i] = block[i % 4] >= threshold ? factor * x[i] : 0;
  }
  return { y };
}
