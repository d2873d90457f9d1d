import { scratch } from "./scratch";

// The innermost loop of every matrix product: a tile of 6 × 8 sums held in registers (12 of the 16 that x86-64 has for
// vectors), fed from packed panels (pack.ts).
// Source of the scheme: Goto & van de Geijn 2008, doi:10.1145/1356052.1356053

/** Rows and columns of a tile. */
export const TILE_ROWS: u32 = 6;
export const TILE_COLUMNS: u32 = 8;

/**
 * c[i,j] (+)= Σ over p < k, ascending, of a[p,i] b[p,j], k ≥ 1.
 * a: (k, 6) and b: (k, 8), dense; c: rows of `rowBytes` bytes, added to where `accumulate` is set, else overwritten.
 */
export function multiplyTile(k: u32, a: usize, b: usize, c: usize, rowBytes: usize, accumulate: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  // Counting by pointer, and testing at the end, leaves V8 a loop of nothing but this; unrolling it makes it spill. The
  // same loop stands here four times, each for a quarter of the depth, because processors foresee the end of a loop of
  // some hundred rounds, but not of one of 512: a wrong guess costs as much as six rounds.
  const quarter: usize = (k / 4) * 24;
  let end = a + quarter;
  if (quarter !== 0) {
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a);
      c00 = f32x4.relaxed_madd(x, b0, c00);
      c01 = f32x4.relaxed_madd(x, b1, c01);
      x = v128.load_splat<f32>(a, 4);
      c10 = f32x4.relaxed_madd(x, b0, c10);
      c11 = f32x4.relaxed_madd(x, b1, c11);
      x = v128.load_splat<f32>(a, 8);
      c20 = f32x4.relaxed_madd(x, b0, c20);
      c21 = f32x4.relaxed_madd(x, b1, c21);
      x = v128.load_splat<f32>(a, 12);
      c30 = f32x4.relaxed_madd(x, b0, c30);
      c31 = f32x4.relaxed_madd(x, b1, c31);
      x = v128.load_splat<f32>(a, 16);
      c40 = f32x4.relaxed_madd(x, b0, c40);
      c41 = f32x4.relaxed_madd(x, b1, c41);
      x = v128.load_splat<f32>(a, 20);
      c50 = f32x4.relaxed_madd(x, b0, c50);
      c51 = f32x4.relaxed_madd(x, b1, c51);
      a += 24;
      b += 32;
    } while (a !== end);
    end += quarter;
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a);
      c00 = f32x4.relaxed_madd(x, b0, c00);
      c01 = f32x4.relaxed_madd(x, b1, c01);
      x = v128.load_splat<f32>(a, 4);
      c10 = f32x4.relaxed_madd(x, b0, c10);
      c11 = f32x4.relaxed_madd(x, b1, c11);
      x = v128.load_splat<f32>(a, 8);
      c20 = f32x4.relaxed_madd(x, b0, c20);
      c21 = f32x4.relaxed_madd(x, b1, c21);
      x = v128.load_splat<f32>(a, 12);
      c30 = f32x4.relaxed_madd(x, b0, c30);
      c31 = f32x4.relaxed_madd(x, b1, c31);
      x = v128.load_splat<f32>(a, 16);
      c40 = f32x4.relaxed_madd(x, b0, c40);
      c41 = f32x4.relaxed_madd(x, b1, c41);
      x = v128.load_splat<f32>(a, 20);
      c50 = f32x4.relaxed_madd(x, b0, c50);
      c51 = f32x4.relaxed_madd(x, b1, c51);
      a += 24;
      b += 32;
    } while (a !== end);
    end += quarter;
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a);
      c00 = f32x4.relaxed_madd(x, b0, c00);
      c01 = f32x4.relaxed_madd(x, b1, c01);
      x = v128.load_splat<f32>(a, 4);
      c10 = f32x4.relaxed_madd(x, b0, c10);
      c11 = f32x4.relaxed_madd(x, b1, c11);
      x = v128.load_splat<f32>(a, 8);
      c20 = f32x4.relaxed_madd(x, b0, c20);
      c21 = f32x4.relaxed_madd(x, b1, c21);
      x = v128.load_splat<f32>(a, 12);
      c30 = f32x4.relaxed_madd(x, b0, c30);
      c31 = f32x4.relaxed_madd(x, b1, c31);
      x = v128.load_splat<f32>(a, 16);
      c40 = f32x4.relaxed_madd(x, b0, c40);
      c41 = f32x4.relaxed_madd(x, b1, c41);
      x = v128.load_splat<f32>(a, 20);
      c50 = f32x4.relaxed_madd(x, b0, c50);
      c51 = f32x4.relaxed_madd(x, b1, c51);
      a += 24;
      b += 32;
    } while (a !== end);
    end += quarter;
  }
  end += (k % 4) * 24;
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load_splat<f32>(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load_splat<f32>(a, 20);
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    a += 24;
    b += 32;
  } while (a !== end);
  storeRow(c, c00, c01, accumulate);
  c += rowBytes;
  storeRow(c, c10, c11, accumulate);
  c += rowBytes;
  storeRow(c, c20, c21, accumulate);
  c += rowBytes;
  storeRow(c, c30, c31, accumulate);
  c += rowBytes;
  storeRow(c, c40, c41, accumulate);
  c += rowBytes;
  storeRow(c, c50, c51, accumulate);
}

/** @inline */
function storeRow(c: usize, low: v128, high: v128, accumulate: bool): void {
  if (accumulate) {
    low = f32x4.add(v128.load(c), low);
    high = f32x4.add(v128.load(c, 16), high);
  }
  v128.store(c, low);
  v128.store(c, high, 16);
}

/** Copies or adds the part of a tile at `scratch` that lies inside c. */
export function storeEdge(c: usize, rowBytes: usize, rows: u32, columns: u32, accumulate: bool): void {
  for (let i: u32 = 0; i < rows; i++) {
    const from = scratch + ((i as usize) << 5);
    const to = c + i * rowBytes;
    for (let j: u32 = 0; j < columns; j++) {
      const at = (j as usize) << 2;
      const value = load<f32>(from + at);
      store<f32>(to + at, accumulate ? load<f32>(to + at) + value : value);
    }
  }
}
