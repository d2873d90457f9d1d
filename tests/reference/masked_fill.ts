import type { Named, Numbers } from "./kernel.ts";

/** y = value where the mask, repeated as often as it takes, is not 0; x elsewhere. */
export function maskedFill({ x, mask }: Named<Numbers>, { n, maskSize, value }: Named<number>) {
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = mask[i % maskSize] === 0 ? x[i] : value;
  return { y };
}
