import { sumLanes } from "./vector";

// Rows of weights of bf16 (bits 16) or int8 (8): see quantized.ts.

/** Bytes from a row of weights to the next. @inline */
export function rowBytesOf(width: u32, bits: u32): usize {
  return ((((width as u64) * bits + 31) >> 5) as usize) << 2;
}

/** Numbers of a row, as float32 times the row's scale. */
export function decodeRow(to: usize, from: usize, n: u32, bits: u32, scale: f32): void {
  const factor = f32x4.splat(scale);
  let i: u32 = 0;
  if (bits === 8) {
    for (; i + 16 <= n; i += 16) {
      const bytes = v128.load(from);
      v128.store(to, f32x4.mul(factor, fourBytes(bytes, FIRST)));
      v128.store(to, f32x4.mul(factor, fourBytes(bytes, SECOND)), 16);
      v128.store(to, f32x4.mul(factor, fourBytes(bytes, THIRD)), 32);
      v128.store(to, f32x4.mul(factor, fourBytes(bytes, FOURTH)), 48);
      from += 16;
      to += 64;
    }
    for (; i < n; i++) {
      store<f32>(to, scale * (load<i8>(from) as f32));
      from++;
      to += 4;
    }
    return;
  }
  for (; i + 8 <= n; i += 8) {
    const halves = v128.load(from);
    v128.store(to, f32x4.mul(factor, lowHalves(halves)));
    v128.store(to, f32x4.mul(factor, highHalves(halves)), 16);
    from += 16;
    to += 32;
  }
  for (; i < n; i++) {
    store<f32>(to, scale * reinterpret<f32>((load<u16>(from) as u32) << 16));
    from += 2;
    to += 4;
  }
}

/** Four bf16, and the four after them, as float32: halves go into the upper halves of words. @inline */
function lowHalves(halves: v128): v128 {
  return v128.shuffle<u16>(i32x4.splat(0), halves, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** @inline */
function highHalves(halves: v128): v128 {
  return v128.shuffle<u16>(i32x4.splat(0), halves, 4, 12, 5, 13, 6, 14, 7, 15);
}

// Which of a vector's bytes becomes the highest of each word. −1 stands for none: wherever it runs, that gives 0.
const FIRST = i8x16(-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3);
const SECOND = i8x16(-1, -1, -1, 4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7);
const THIRD = i8x16(-1, -1, -1, 8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11);
const FOURTH = i8x16(-1, -1, -1, 12, -1, -1, -1, 13, -1, -1, -1, 14, -1, -1, -1, 15);

/** Four int8 as float32. @inline */
function fourBytes(bytes: v128, which: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(i8x16.relaxed_swizzle(bytes, which), 24));
}

/** Σᵢ x[i] w[i] over n numbers, w of bf16. */
export function dotBf16(x: usize, w: usize, n: u32): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = x + ((n & ~15) << 2);
  while (x !== end) {
    const first = v128.load(w);
    const second = v128.load(w, 16);
    s0 = f32x4.relaxed_madd(v128.load(x), lowHalves(first), s0);
    s1 = f32x4.relaxed_madd(v128.load(x, 16), highHalves(first), s1);
    s2 = f32x4.relaxed_madd(v128.load(x, 32), lowHalves(second), s2);
    s3 = f32x4.relaxed_madd(v128.load(x, 48), highHalves(second), s3);
    x += 64;
    w += 32;
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (let i = n & ~15; i < n; i++) {
    sum += load<f32>(x) * reinterpret<f32>((load<u16>(w) as u32) << 16);
    x += 4;
    w += 2;
  }
  return sum;
}

/** The same, w of int8. */
export function dotInt8(x: usize, w: usize, n: u32): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = x + ((n & ~15) << 2);
  while (x !== end) {
    const bytes = v128.load(w);
    s0 = f32x4.relaxed_madd(v128.load(x), fourBytes(bytes, FIRST), s0);
    s1 = f32x4.relaxed_madd(v128.load(x, 16), fourBytes(bytes, SECOND), s1);
    s2 = f32x4.relaxed_madd(v128.load(x, 32), fourBytes(bytes, THIRD), s2);
    s3 = f32x4.relaxed_madd(v128.load(x, 48), fourBytes(bytes, FOURTH), s3);
    x += 64;
    w += 16;
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (let i = n & ~15; i < n; i++) {
    sum += load<f32>(x) * (load<i8>(w) as f32);
    x += 4;
    w++;
  }
  return sum;
}
