import { loadTail, storeTail } from "./vector";

// Rows added up with factors: the inner loops of skinny.ts's backward products.

/**
 * to[i] (+)= Σ over j < count ≤ 4, ascending, of factors[j] from[j, i] for i < n, with rows of `rowBytes` bytes and
 * factors `stride` bytes apart; and the same for a second row, `toNext` bytes behind `to`, with factors that begin
 * `factorsNext` bytes behind the first's. Where both are 0, the second row is the first, computed twice.
 */
export function addRows(
  to: usize,
  toNext: usize,
  n: u32,
  from: usize,
  rowBytes: usize,
  factors: usize,
  stride: usize,
  factorsNext: usize,
  count: u32,
  accumulate: bool,
): void {
  if (count < 4) {
    for (let j: u32 = 0; j < count; j++) {
      const add = accumulate || j > 0;
      addRow(to, n, from, v128.load_splat<f32>(factors), add);
      if (toNext) addRow(to + toNext, n, from, v128.load_splat<f32>(factors + factorsNext), add);
      from += rowBytes;
      factors += stride;
    }
    return;
  }
  const f0 = v128.load_splat<f32>(factors);
  const f1 = v128.load_splat<f32>(factors + stride);
  const f2 = v128.load_splat<f32>(factors + 2 * stride);
  const f3 = v128.load_splat<f32>(factors + 3 * stride);
  factors += factorsNext;
  const g0 = v128.load_splat<f32>(factors);
  const g1 = v128.load_splat<f32>(factors + stride);
  const g2 = v128.load_splat<f32>(factors + 2 * stride);
  const g3 = v128.load_splat<f32>(factors + 3 * stride);
  let from1 = from + rowBytes;
  let from2 = from1 + rowBytes;
  let from3 = from2 + rowBytes;
  let second = to + toNext;
  const end = to + ((n & ~3) << 2);
  while (to !== end) {
    let sum = accumulate ? v128.load(to) : f32x4.splat(0);
    let sum2 = accumulate ? v128.load(second) : f32x4.splat(0);
    let x = v128.load(from);
    sum = f32x4.relaxed_madd(f0, x, sum);
    sum2 = f32x4.relaxed_madd(g0, x, sum2);
    x = v128.load(from1);
    sum = f32x4.relaxed_madd(f1, x, sum);
    sum2 = f32x4.relaxed_madd(g1, x, sum2);
    x = v128.load(from2);
    sum = f32x4.relaxed_madd(f2, x, sum);
    sum2 = f32x4.relaxed_madd(g2, x, sum2);
    x = v128.load(from3);
    sum = f32x4.relaxed_madd(f3, x, sum);
    sum2 = f32x4.relaxed_madd(g3, x, sum2);
    v128.store(to, sum);
    v128.store(second, sum2);
    to += 16;
    second += 16;
    from += 16;
    from1 += 16;
    from2 += 16;
    from3 += 16;
  }
  const rest = n & 3;
  if (rest) {
    let sum = accumulate ? loadTail(to, rest) : f32x4.splat(0);
    let sum2 = accumulate ? loadTail(second, rest) : f32x4.splat(0);
    let x = loadTail(from, rest);
    sum = f32x4.relaxed_madd(f0, x, sum);
    sum2 = f32x4.relaxed_madd(g0, x, sum2);
    x = loadTail(from1, rest);
    sum = f32x4.relaxed_madd(f1, x, sum);
    sum2 = f32x4.relaxed_madd(g1, x, sum2);
    x = loadTail(from2, rest);
    sum = f32x4.relaxed_madd(f2, x, sum);
    sum2 = f32x4.relaxed_madd(g2, x, sum2);
    x = loadTail(from3, rest);
    sum = f32x4.relaxed_madd(f3, x, sum);
    sum2 = f32x4.relaxed_madd(g3, x, sum2);
    storeTail(to, sum, rest);
    storeTail(second, sum2, rest);
  }
}

/** to[i] (+)= factor from[i] for i < n. */
function addRow(to: usize, n: u32, from: usize, factor: v128, accumulate: bool): void {
  const end = to + ((n & ~3) << 2);
  while (to !== end) {
    const sum = accumulate ? v128.load(to) : f32x4.splat(0);
    v128.store(to, f32x4.relaxed_madd(factor, v128.load(from), sum));
    to += 16;
    from += 16;
  }
  const rest = n & 3;
  if (rest) {
    const sum = accumulate ? loadTail(to, rest) : f32x4.splat(0);
    storeTail(to, f32x4.relaxed_madd(factor, loadTail(from, rest), sum), rest);
  }
}
