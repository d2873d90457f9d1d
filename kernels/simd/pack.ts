import { loadTail } from "./vector";

// Copies parts of a matrix into the panels that multiplyTile reads: for each p < k, `width` neighbouring numbers, those
// past the matrix's edge as 0. "Across": the panel's numbers of one p lie in different rows of the source, so blocks of
// 4 × 4 are transposed. "Along": they are neighbours in the source already.

/** The dense panel (k, 8) of source[i, p], i < count ≤ 8, with rows of `rowBytes` bytes. */
export function packAcross8(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  if (count < 8) memory.fill(to, 0, (k as usize) << 5);
  for (let i: u32 = 0; i < count; i += 4) {
    transposeInto(to + ((i as usize) << 2), 32, from + i * rowBytes, rowBytes, min<u32>(count - i, 4), k);
  }
}

/** The dense panel (k, 6) of source[i, p], i < count ≤ 6, with rows of `rowBytes` bytes. */
export function packAcross6(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  if (count < 6) memory.fill(to, 0, k * 24);
  transposeInto(to, 24, from, rowBytes, min<u32>(count, 4), k);
  if (count > 4) transposeInto(to + 16, 24, from + 4 * rowBytes, rowBytes, count - 4, k);
}

/** to[p, i] = from[i, p] for i < count ≤ 4 and p < k. */
function transposeInto(to: usize, toRowBytes: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  const from1 = from + rowBytes;
  const from2 = from1 + rowBytes;
  const from3 = from2 + rowBytes;
  let p: u32 = 0;
  if (count === 4) {
    for (; p + 4 <= k; p += 4) {
      const at = (p as usize) << 2;
      const r0 = v128.load(from + at);
      const r1 = v128.load(from1 + at);
      const r2 = v128.load(from2 + at);
      const r3 = v128.load(from3 + at);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
      to += toRowBytes;
      v128.store(to, v128.shuffle<f64>(low01, low23, 1, 3));
      to += toRowBytes;
      v128.store(to, v128.shuffle<f64>(high01, high23, 0, 2));
      to += toRowBytes;
      v128.store(to, v128.shuffle<f64>(high01, high23, 1, 3));
      to += toRowBytes;
    }
  } else if (count === 2) {
    for (; p + 4 <= k; p += 4) {
      const at = (p as usize) << 2;
      const r0 = v128.load(from + at);
      const r1 = v128.load(from1 + at);
      const low = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      v128.store_lane<f64>(to, low, 0);
      to += toRowBytes;
      v128.store_lane<f64>(to, low, 1);
      to += toRowBytes;
      v128.store_lane<f64>(to, high, 0);
      to += toRowBytes;
      v128.store_lane<f64>(to, high, 1);
      to += toRowBytes;
    }
  }
  for (; p < k; p++) {
    const at = (p as usize) << 2;
    store<f32>(to, load<f32>(from + at));
    if (count > 1) store<f32>(to, load<f32>(from1 + at), 4);
    if (count > 2) store<f32>(to, load<f32>(from2 + at), 8);
    if (count > 3) store<f32>(to, load<f32>(from3 + at), 12);
    to += toRowBytes;
  }
}

/**
 * Rows copied at a time: few enough that their lines stay cached until all panels have taken their part of them, and
 * enough that each panel's part is long.
 */
const ALONG_ROWS: u32 = 16;

const NUMBERS_PER_LINE: u32 = 16;

/**
 * Loads a word of each cache line of some rows of `count` numbers, so that they are on their way while the rows before
 * are packed: no processor foresees what lies a row further on, and WebAssembly has no instruction to say it.
 * @param unused Where a word may be left, so that no compiler takes the loads for useless.
 */
export function fetch(from: usize, rowBytes: usize, rows: u32, count: u32, unused: usize): void {
  let words: u32 = 0;
  for (let p: u32 = 0; p < rows; p++) {
    for (let i: u32 = 0; i < count; i += NUMBERS_PER_LINE) words |= load<u32>(from + ((i as usize) << 2));
    from += rowBytes;
  }
  store<u32>(unused, words);
}

/**
 * The dense panels (k, 8) of source[p, i], i < count, with rows of `rowBytes` bytes: eight columns in each, one panel
 * after the other.
 */
export function packAlong8(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  for (let first: u32 = 0; first < k; first += ALONG_ROWS) {
    const rows = min(ALONG_ROWS, k - first);
    const next = first + rows;
    fetch(from + next * rowBytes, rowBytes, min(ALONG_ROWS, k - next), count, to + ((first * 8) << 2));
    for (let i: u32 = 0; i < count; i += 8) {
      let panel = to + ((i * k + first * 8) << 2);
      let source = from + first * rowBytes + ((i as usize) << 2);
      const end = panel + ((rows as usize) << 5);
      if (i + 8 <= count) {
        do {
          const low = v128.load(source);
          v128.store(panel, low);
          const high = v128.load(source, 16);
          v128.store(panel, high, 16);
          source += rowBytes;
          panel += 32;
        } while (panel !== end);
      } else {
        const left = count - i;
        do {
          v128.store(panel, loadUpTo4(source, left));
          v128.store(panel, left > 4 ? loadUpTo4(source + 16, left - 4) : f32x4.splat(0), 16);
          source += rowBytes;
          panel += 32;
        } while (panel !== end);
      }
    }
  }
}

/** The same with six columns in each panel: dense panels (k, 6). */
export function packAlong6(to: usize, from: usize, rowBytes: usize, count: u32, k: u32): void {
  for (let first: u32 = 0; first < k; first += ALONG_ROWS) {
    const rows = min(ALONG_ROWS, k - first);
    const next = first + rows;
    fetch(from + next * rowBytes, rowBytes, min(ALONG_ROWS, k - next), count, to + ((first * 6) << 2));
    for (let i: u32 = 0; i < count; i += 6) {
      let panel = to + ((i * k + first * 6) << 2);
      let source = from + first * rowBytes + ((i as usize) << 2);
      const end = panel + rows * 24;
      if (i + 6 <= count) {
        do {
          v128.store(panel, v128.load(source));
          // Two of these four were stored already: cheaper than a load and a store of two.
          v128.store(panel, v128.load(source, 8), 8);
          source += rowBytes;
          panel += 24;
        } while (panel !== end);
      } else {
        const left = count - i;
        do {
          v128.store(panel, loadUpTo4(source, left));
          v128.store_lane<f64>(panel, left > 4 ? loadTail(source + 16, left - 4) : f32x4.splat(0), 0, 16);
          source += rowBytes;
          panel += 24;
        } while (panel !== end);
      }
    }
  }
}

/** @inline */
function loadUpTo4(from: usize, count: u32): v128 {
  return count >= 4 ? v128.load(from) : loadTail(from, count);
}
