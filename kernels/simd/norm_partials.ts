import { loadTail, storeTail } from "./vector";
import { claim, divide, endUnit, firstUnit, share } from "./work";

// The gradients of the weights of normalizations, for their kernels:
// partials[p,i] = Σ dY[r,i] n[r,i] over the rows r of part p, with n = x rstd, or (x − mean) rstd where the mean was taken away.

/** Whether the mean was taken away: types, because it must be known when the generic function is compiled. */
export type Plain = i32;
export type Centred = f32;

/** n, four numbers of it. @inline */
function normalized<N>(x: v128, centre: v128, scale: v128): v128 {
  return f32x4.mul(isFloat<N>() ? f32x4.sub(x, centre) : x, scale);
}

/** Overwrites partials. A worker takes whole parts. @param mean Not read where the mean was not taken away. */
export function addUpParts<N>(
  x: usize,
  mean: usize,
  rstd: usize,
  dY: usize,
  partials: usize,
  rows: u32,
  D: u32,
  P: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divide(work, P, 1);
  while (claim()) {
    for (let p = firstUnit; p < endUnit; p++) {
      const sums = partials + p * rowBytes;
      memory.fill(sums, 0, rowBytes);
      const lastRow = share(rows, p + 1, P);
      for (let r = share(rows, p, P); r < lastRow; r++) {
        const xRow = x + r * rowBytes;
        const dYRow = dY + r * rowBytes;
        const centre4 = isFloat<N>() ? v128.load_splat<f32>(mean + ((r as usize) << 2)) : f32x4.splat(0);
        const scale4 = v128.load_splat<f32>(rstd + ((r as usize) << 2));
        let i: u32 = 0;
        for (; i + 4 <= D; i += 4) {
          const at = (i as usize) << 2;
          const normed = normalized<N>(v128.load(xRow + at), centre4, scale4);
          v128.store(sums + at, f32x4.relaxed_madd(v128.load(dYRow + at), normed, v128.load(sums + at)));
        }
        if (i < D) {
          const at = (i as usize) << 2;
          const rest = D - i;
          const normed = normalized<N>(loadTail(xRow + at, rest), centre4, scale4);
          storeTail(sums + at, f32x4.relaxed_madd(loadTail(dYRow + at, rest), normed, loadTail(sums + at, rest)), rest);
        }
      }
    }
  }
}
