import { loadLanes, storeLanes, sumLanes } from "./vector";
import { claim, divide, divideRows, endUnit, firstUnit, share } from "./work";

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
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        const normed = f32x4.mul(f32x4.sub(loadLanes(from + at, rest), centre4), scale4);
        const value = f32x4.relaxed_madd(normed, loadLanes(weight + at, rest), loadLanes(bias + at, rest));
        storeLanes(to + at, value, rest);
      }
    }
  }
}

/** The sum of n floats, in two chains. */
function sumOf(from: usize, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  for (let i: u32 = 0; i < n; i += 8) {
    const at = (i as usize) << 2;
    s0 = f32x4.add(s0, loadLanes(from + at, (n - i) as i32));
    s1 = f32x4.add(s1, loadLanes(from + at + 16, (n as i32) - (i as i32) - 4));
  }
  return sumLanes(f32x4.add(s0, s1));
}

/** The sum of the squares of what n floats are apart from their mean, in two chains. */
function squaresAround(from: usize, centre: v128, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let i: u32 = 0;
  for (; i + 8 <= n; i += 8) {
    const at = (i as usize) << 2;
    const low = f32x4.sub(v128.load(from + at), centre);
    const high = f32x4.sub(v128.load(from + at, 16), centre);
    s0 = f32x4.relaxed_madd(low, low, s0);
    s1 = f32x4.relaxed_madd(high, high, s1);
  }
  let sum = sumLanes(f32x4.add(s0, s1));
  for (; i < n; i++) {
    const off: f32 = load<f32>(from + ((i as usize) << 2)) - f32x4.extract_lane(centre, 0);
    sum += off * off;
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
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        // Lanes beyond the row's end have a g of 0.
        const g = f32x4.mul(loadLanes(dYRow + at, rest), loadLanes(weight + at, rest));
        const normed = f32x4.mul(f32x4.sub(loadLanes(xRow + at, rest), centre4), scale4);
        plain = f32x4.add(plain, g);
        along = f32x4.relaxed_madd(g, normed, along);
      }
      const shift = f32x4.mul(f32x4.splat(sumLanes(plain)), share4);
      const pull = f32x4.mul(f32x4.splat(sumLanes(along)), share4);
      for (let i: u32 = 0; i < D; i += 4) {
        const at = (i as usize) << 2;
        const rest = (D - i) as i32;
        const g = f32x4.mul(loadLanes(dYRow + at, rest), loadLanes(weight + at, rest));
        const normed = f32x4.mul(f32x4.sub(loadLanes(xRow + at, rest), centre4), scale4);
        let gradient = f32x4.mul(scale4, f32x4.relaxed_nmadd(normed, pull, f32x4.sub(g, shift)));
        if (accumulate) gradient = f32x4.add(loadLanes(dXRow + at, rest), gradient);
        storeLanes(dXRow + at, gradient, rest);
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
        const centre4 = v128.load_splat<f32>(mean + ((r as usize) << 2));
        const scale4 = v128.load_splat<f32>(rstd + ((r as usize) << 2));
        for (let i: u32 = 0; i < D; i += 4) {
          const at = (i as usize) << 2;
          const rest = (D - i) as i32;
          const normed = f32x4.mul(f32x4.sub(loadLanes(xRow + at, rest), centre4), scale4);
          storeLanes(
            sums + at,
            f32x4.relaxed_madd(loadLanes(dYRow + at, rest), normed, loadLanes(sums + at, rest)),
            rest,
          );
        }
      }
    }
  }
}
