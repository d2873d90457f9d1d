import { addUpParts, Centred } from "./norm_partials";
import { loadTail, storeTail, sumLanes, sumOf } from "./vector";
import { claim, divideRows, endUnit, firstUnit } from "./work";

// layernorm_forward: y[r,i] = (x[r,i] − mean[r]) rstd[r] weight[i] + bias[i],
//   rstd[r] = 1 / √(mean((x[r] − mean[r])²) + eps). Overwrites y, mean and rstd.
// layernorm_backward_input: with n = (x − mean) rstd and g = dY weight,
//   dX[r,i] (+)= rstd (g[r,i] − Σⱼ g[r,j] / D − n[r,i] Σⱼ g[r,j] n[r,j] / D).
// layernorm_backward_weight: partials[p,i] = Σ dY[r,i] n[r,i] over the rows r of part p. Overwrites partials.
// x, y, dY, dX: (rows, D); weight, bias: (D); mean, rstd: (rows); partials: (P, D).
// A worker takes whole rows, or whole parts.
// Source: Ba et al. 2016, arXiv:1607.06450

export function layernorm_forward(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
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
      const centre: f32 = sumOf(from, D) / (D as f32);
      const centre4 = f32x4.splat(centre);
      const scale: f32 = (1 as f32) / sqrt<f32>(squaresAround(from, centre4, D) / (D as f32) + eps);
      store<f32>(mean + ((r as usize) << 2), centre);
      store<f32>(rstd + ((r as usize) << 2), scale);
      const scale4 = f32x4.splat(scale);
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        const normed = f32x4.mul(f32x4.sub(v128.load(from + at), centre4), scale4);
        v128.store(to + at, f32x4.relaxed_madd(normed, v128.load(weight + at), v128.load(bias + at)));
      }
      if (i < D) {
        const at = (i as usize) << 2;
        const normed = f32x4.mul(f32x4.sub(loadTail(from + at, D - i), centre4), scale4);
        const value = f32x4.relaxed_madd(normed, loadTail(weight + at, D - i), loadTail(bias + at, D - i));
        storeTail(to + at, value, D - i);
      }
    }
  }
}

/** The square of how far x is from the centre, added to a sum. @inline */
function addSquare(x: v128, centre: v128, sum: v128): v128 {
  const off = f32x4.sub(x, centre);
  return f32x4.relaxed_madd(off, off, sum);
}

/** The sum of the squares of how far n floats are from their mean, in four chains. */
function squaresAround(from: usize, centre: v128, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = addSquare(v128.load(from), centre, s0);
    s1 = addSquare(v128.load(from, 16), centre, s1);
    s2 = addSquare(v128.load(from, 32), centre, s2);
    s3 = addSquare(v128.load(from, 48), centre, s3);
    from += 64;
  }
  for (; i + 4 <= n; i += 4) {
    s0 = addSquare(v128.load(from), centre, s0);
    from += 16;
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  // Lanes beyond the row's end would be as far from the mean as 0 is.
  for (; i < n; i++) {
    const off: f32 = load<f32>(from) - f32x4.extract_lane(centre, 0);
    sum += off * off;
    from += 4;
  }
  return sum;
}

export function layernorm_backward_input(
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  dY: usize,
  dX: usize,
  rows: u32,
  D: u32,
  accumulate: u32,
  work: usize,
): void {
  const rowBytes = (D as usize) << 2;
  const share4 = f32x4.splat((1 as f32) / (D as f32));
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const xRow = x + r * rowBytes;
      const dYRow = dY + r * rowBytes;
      const dXRow = dX + r * rowBytes;
      const centre4 = v128.load_splat<f32>(mean + ((r as usize) << 2));
      const scale4 = v128.load_splat<f32>(rstd + ((r as usize) << 2));
      let plain = f32x4.splat(0);
      let along = plain;
      let i: u32 = 0;
      for (; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        const g = f32x4.mul(v128.load(dYRow + at), v128.load(weight + at));
        plain = f32x4.add(plain, g);
        along = f32x4.relaxed_madd(g, f32x4.mul(f32x4.sub(v128.load(xRow + at), centre4), scale4), along);
      }
      if (i < D) {
        const at = (i as usize) << 2;
        // Lanes beyond the row's end have a g of 0.
        const g = f32x4.mul(loadTail(dYRow + at, D - i), loadTail(weight + at, D - i));
        plain = f32x4.add(plain, g);
        along = f32x4.relaxed_madd(g, f32x4.mul(f32x4.sub(loadTail(xRow + at, D - i), centre4), scale4), along);
      }
      const shift = f32x4.mul(f32x4.splat(sumLanes(plain)), share4);
      const pull = f32x4.mul(f32x4.splat(sumLanes(along)), share4);
      for (i = 0; i + 4 <= D; i += 4) {
        const at = (i as usize) << 2;
        const g = f32x4.mul(v128.load(dYRow + at), v128.load(weight + at));
        const normed = f32x4.mul(f32x4.sub(v128.load(xRow + at), centre4), scale4);
        let gradient = f32x4.mul(scale4, f32x4.relaxed_nmadd(normed, pull, f32x4.sub(g, shift)));
        if (accumulate) gradient = f32x4.add(v128.load(dXRow + at), gradient);
        v128.store(dXRow + at, gradient);
      }
      if (i < D) {
        const at = (i as usize) << 2;
        const rest = D - i;
        const g = f32x4.mul(loadTail(dYRow + at, rest), loadTail(weight + at, rest));
        const normed = f32x4.mul(f32x4.sub(loadTail(xRow + at, rest), centre4), scale4);
        let gradient = f32x4.mul(scale4, f32x4.relaxed_nmadd(normed, pull, f32x4.sub(g, shift)));
        if (accumulate) gradient = f32x4.add(loadTail(dXRow + at, rest), gradient);
        storeTail(dXRow + at, gradient, rest);
      }
    }
  }
}

export function layernorm_backward_weight(
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
  addUpParts<Centred>(x, mean, rstd, dY, partials, rows, D, P, work);
}
