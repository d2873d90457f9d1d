import type { Named, Numbers } from "./kernel.ts";

/** y[i0, i1, i2, i3] = x at the sum of each index times its stride. y: (n0, n1, n2, n3). */
export function stridedCopy({ x }: Named<Numbers>, constants: Named<number>) {
  const { n0, n1, n2, n3, stride0, stride1, stride2, stride3 } = constants;
  const y: number[] = [];
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      for (let i2 = 0; i2 < n2; i2++) {
        for (let i3 = 0; i3 < n3; i3++) y.push(x[i0 * stride0 + i1 * stride1 + i2 * stride2 + i3 * stride3]);
      }
    }
  }
  return { y: Float64Array.from(y) };
}
