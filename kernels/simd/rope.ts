import { claim, divideRows, endUnit, firstUnit } from "./work";

// rope_forward: y₂ᵢ = x₂ᵢ cos − x₂ᵢ₊₁ sin, y₂ᵢ₊₁ = x₂ᵢ sin + x₂ᵢ₊₁ cos, by the angle of position
//   start[⌊r / T⌋] + r mod T; one start is that of all rows. Overwrites y.
// rope_backward: dX (+)= dY rotated back.
// x, y, dY, dX: (rows, D), rows = B·T, D a multiple of headDim; cos, sin: (positions, headDim / 2);
//   start: (starts) u32, starts 1 or B.
// Beyond the tables, the last positions are taken. A worker takes whole rows.
// Source: Su et al. 2021, arXiv:2104.09864

export function rope_forward(
  x: usize,
  cos: usize,
  sin: usize,
  start: usize,
  y: usize,
  rows: u32,
  T: u32,
  D: u32,
  headDim: u32,
  positions: u32,
  starts: u32,
  work: usize,
): void {
  const onward = f32x4.splat(1);
  rotate(x, cos, sin, start, y, rows, T, D, headDim, positions, starts, false, onward, work);
}

export function rope_backward(
  dY: usize,
  cos: usize,
  sin: usize,
  start: usize,
  dX: usize,
  rows: u32,
  T: u32,
  D: u32,
  headDim: u32,
  positions: u32,
  starts: u32,
  accumulate: u32,
  work: usize,
): void {
  const back = f32x4.splat(-1);
  rotate(dY, cos, sin, start, dX, rows, T, D, headDim, positions, starts, accumulate !== 0, back, work);
}

/** Rotates rows by the angle times `direction`: all lanes 1 or −1. */
function rotate(
  x: usize,
  cos: usize,
  sin: usize,
  start: usize,
  y: usize,
  rows: u32,
  T: u32,
  D: u32,
  headDim: u32,
  positions: u32,
  starts: u32,
  accumulate: bool,
  direction: v128,
  work: usize,
): void {
  const half = headDim >> 1;
  const signs = f32x4.mul(direction, f32x4(-1, 1, -1, 1));
  divideRows(work, rows, D);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const first = load<u32>(start + ((min(r / T, starts - 1) as usize) << 2));
      const table = ((min(first, positions - T) + r % T) * half as usize) << 2;
      let from = x + ((r * D as usize) << 2);
      let to = y + ((r * D as usize) << 2);
      for (let head: u32 = 0; head < D; head += headDim) {
        let c = cos + table;
        let s = sin + table;
        let i: u32 = 0;
        for (; i + 2 <= half; i += 2) {
          let turned = turn(v128.load(from), v128.load_zero<f64>(c), v128.load_zero<f64>(s), signs);
          if (accumulate) turned = f32x4.add(v128.load(to), turned);
          v128.store(to, turned);
          from += 16;
          to += 16;
          c += 8;
          s += 8;
        }
        if (i < half) {
          let turned = turn(v128.load_zero<f64>(from), v128.load_zero<f32>(c), v128.load_zero<f32>(s), signs);
          if (accumulate) turned = f32x4.add(v128.load_zero<f64>(to), turned);
          v128.store_lane<f64>(to, turned, 0);
          from += 8;
          to += 8;
        }
      }
    }
  }
}

/** Rotates two pairs; the two angles are in the low lanes of `c` and `s`. @inline */
function turn(pairs: v128, c: v128, s: v128, signs: v128): v128 {
  const swapped = v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2);
  const sine = f32x4.mul(v128.shuffle<f32>(s, s, 0, 0, 1, 1), signs);
  return f32x4.relaxed_madd(pairs, v128.shuffle<f32>(c, c, 0, 0, 1, 1), f32x4.mul(swapped, sine));
}
