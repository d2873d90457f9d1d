import { addUpParts, Plain } from "./norm_partials";
import { claim, divideRows, endUnit, firstUnit } from "./work";
import { dot, loadTail, storeTail, sumLanes } from "./vector";

// rmsnorm_forward: y[r,i] = x[r,i] rstd[r] weight[i], rstd[r] = 1 / √(mean(x[r]²) + eps). Overwrites y and rstd.
// rmsnorm_backward_input: dX[r,i] (+)= rstd (dY w)[r,i] − x[r,i] rstd³ / D Σⱼ (dY w x)[r,j]
// rmsnorm_backward_weight: partials[p,i] = Σ dY[r,i] x[r,i] rstd[r] over the rows r of part p. Overwrites partials.
// x, y, dY, dX: (rows, D); weight: (D); rstd: (rows); partials: (P, D).
// A worker takes whole rows, or whole parts.
// Source: Zhang & Sennrich 2019, arXiv:1910.07467

export function rmsnorm_forward(
  x: usize,
  weight: usize,
  y: usize,
  rstd: usize,
  rows: u32,
  D: u32,
  eps: f32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const from = x + r * rowBytes;
      const to = y + r * rowBytes;
      const scale: f32 = (1 as f32) / sqrt<f32>(dot(from, from, D) / (D as f32) + eps);
      store<f32>(rstd + ((r as usize) << 2), scale);
      const scale4 = f32x4.splat(scale);
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        v128.store(to + at, f32x4.mul(f32x4.mul(v128.load(from + at), scale4), v128.load(weight + at)));
      }
      if (i < D) {
        const at = (i as usize) << 2;
        const normed = f32x4.mul(loadTail(from + at, D - i), scale4);
        storeTail(to + at, f32x4.mul(normed, loadTail(weight + at, D - i)), D - i);
      }
    }
  }
}

/** Σⱼ a[j] b[j] c[j] over n floats. */
function dot3(a: usize, b: usize, c: usize, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let i: u32 = 0;
  for (; i + 8 <= n; i += 8) {
    const at = (i as usize) << 2;
    s0 = f32x4.relaxed_madd(f32x4.mul(v128.load(a + at), v128.load(b + at)), v128.load(c + at), s0);
    s1 = f32x4.relaxed_madd(f32x4.mul(v128.load(a + at, 16), v128.load(b + at, 16)), v128.load(c + at, 16), s1);
  }
  for (; i < n; i += 4) {
    const at = (i as usize) << 2;
    const rest = n - i;
    if (rest >= 4) {
      s0 = f32x4.relaxed_madd(f32x4.mul(v128.load(a + at), v128.load(b + at)), v128.load(c + at), s0);
    } else {
      s1 = f32x4.relaxed_madd(f32x4.mul(loadTail(a + at, rest), loadTail(b + at, rest)), loadTail(c + at, rest), s1);
    }
  }
  return sumLanes(f32x4.add(s0, s1));
}

export function rmsnorm_backward_input(
  x: usize,
  weight: usize,
  rstd: usize,
  dY: usize,
  dX: usize,
  rows: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const xRow = x + r * rowBytes;
      const dYRow = dY + r * rowBytes;
      const dXRow = dX + r * rowBytes;
      const scale = load<f32>(rstd + ((r as usize) << 2));
      const pull = f32x4.splat(scale * scale / (D as f32) * dot3(dYRow, weight, xRow, D));
      const scale4 = f32x4.splat(scale);
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        const product = f32x4.mul(v128.load(dYRow + at), v128.load(weight + at));
        let gradient = f32x4.mul(scale4, f32x4.relaxed_nmadd(v128.load(xRow + at), pull, product));
        if (accumulate) gradient = f32x4.add(v128.load(dXRow + at), gradient);
        v128.store(dXRow + at, gradient);
      }
      if (i < D) {
        const at = (i as usize) << 2;
        const rest = D - i;
        const product = f32x4.mul(loadTail(dYRow + at, rest), loadTail(weight + at, rest));
        let gradient = f32x4.mul(scale4, f32x4.relaxed_nmadd(loadTail(xRow + at, rest), pull, product));
        if (accumulate) gradient = f32x4.add(loadTail(dXRow + at, rest), gradient);
        storeTail(dXRow + at, gradient, rest);
      }
    }
  }
}

export function rmsnorm_backward_weight(
  x: usize,
  rstd: usize,
  dY: usize,
  partials: usize,
  rows: u32,
  D: u32,
  P: u32,
  work: usize,
): void {
  addUpParts<Plain>(x, 0, rstd, dY, partials, rows, D, P, work);
}
