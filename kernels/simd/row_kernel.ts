// The tiles of micro_kernel.ts for attention's products, which are many and short: several tiles to a call, since a call
// for each would cost a twentieth, and operands read from rows as they lie, where packing them would cost as much.

/** Bytes from one row to the next: an odd number of cache lines, so that rows do not compete for places in the cache. */
export const PITCH: usize = 17 * 64;

/**
 * Tiles of 6 × 8 side by side: c[i,j] (+)= Σ over p < k, ascending, of a[i,p] b[p,j], k ≥ 1, panels ≥ 1.
 * a: 6 rows PITCH apart; b: dense panels (k, 8), `panelBytes` apart; c: 6 rows of `rowBytes` bytes, added to where
 * `accumulate` is set, else overwritten.
 */
export function multiplyRows(
  k: u32,
  a: usize,
  b: usize,
  panelBytes: usize,
  panels: u32,
  c: usize,
  rowBytes: usize,
  accumulate: bool,
): void {
  do {
    multiply<Transposed>(k, a, 4, b, 32, c, rowBytes, accumulate);
    b += panelBytes;
    c += 32;
  } while (--panels);
}

/** The same of a[p,i] b[p,j], with a: (k, 6) and b: (k, 8 · panels), both in rows PITCH apart. */
export function multiplyColumns(
  k: u32,
  a: usize,
  b: usize,
  panels: u32,
  c: usize,
  rowBytes: usize,
  accumulate: bool,
): void {
  do {
    multiply<Plain>(k, a, PITCH, b, PITCH, c, rowBytes, accumulate);
    b += 32;
    c += 32;
  } while (--panels);
}

/** How a lies in memory: types, because an instruction's offset must be known when the generic function is compiled. */
type Plain = i32;
type Transposed = f32;

/**
 * One tile, with a[p,i] at a + p · nextA + 4 i, or + i · PITCH if `A` is Transposed, and b[p,j] at b + p · nextB + 4 j.
 * @inline
 */
function multiply<A>(
  k: u32,
  a: usize,
  nextA: usize,
  b: usize,
  nextB: usize,
  c: usize,
  rowBytes: usize,
  accumulate: bool,
): void {
  let c00 = f32x4.splat(0), c01 = c00;
  let c10 = c00, c11 = c00;
  let c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00;
  let c40 = c00, c41 = c00;
  let c50 = c00, c51 = c00;
  if (accumulate) {
    let from = c;
    c00 = v128.load(from);
    c01 = v128.load(from, 16);
    from += rowBytes;
    c10 = v128.load(from);
    c11 = v128.load(from, 16);
    from += rowBytes;
    c20 = v128.load(from);
    c21 = v128.load(from, 16);
    from += rowBytes;
    c30 = v128.load(from);
    c31 = v128.load(from, 16);
    from += rowBytes;
    c40 = v128.load(from);
    c41 = v128.load(from, 16);
    from += rowBytes;
    c50 = v128.load(from);
    c51 = v128.load(from, 16);
  }
  // Counting by pointer, and testing at the end: see micro_kernel.ts.
  const end = a + k * nextA;
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = f32x4.relaxed_madd(x, b0, c00);
    c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load_splat<f32>(a, isFloat<A>() ? PITCH : 4);
    c10 = f32x4.relaxed_madd(x, b0, c10);
    c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load_splat<f32>(a, 2 * (isFloat<A>() ? PITCH : 4));
    c20 = f32x4.relaxed_madd(x, b0, c20);
    c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load_splat<f32>(a, 3 * (isFloat<A>() ? PITCH : 4));
    c30 = f32x4.relaxed_madd(x, b0, c30);
    c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load_splat<f32>(a, 4 * (isFloat<A>() ? PITCH : 4));
    c40 = f32x4.relaxed_madd(x, b0, c40);
    c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load_splat<f32>(a, 5 * (isFloat<A>() ? PITCH : 4));
    c50 = f32x4.relaxed_madd(x, b0, c50);
    c51 = f32x4.relaxed_madd(x, b1, c51);
    a += nextA;
    b += nextB;
  } while (a !== end);
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += rowBytes;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += rowBytes;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += rowBytes;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += rowBytes;
  v128.store(c, c40);
  v128.store(c, c41, 16);
  c += rowBytes;
  v128.store(c, c50);
  v128.store(c, c51, 16);
}
