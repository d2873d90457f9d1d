import { decodeRow, dotBf16, dotInt8, rowBytesOf } from "./quantized_rows";
import { scratch, SCRATCH_BYTES } from "./scratch";
import { dot2x4, dot6x2, interleaveRows } from "./skinny_dot";
import { claim, divide, divideRows, endElement, endUnit, firstElement, firstUnit, LINE } from "./work";

// Weights of bf16 (bits 16) or int8 (8): each row begins at a word of 32 bits and is to be multiplied by its scale.
// linear_quantized_forward: y = x Wᵀ, made for few rows. x: (rows, I); weight: (O, words of a row); scales: (O); y: (rows, O).
// dequantize_weight: y = W, (O, I) of float32.
// embedding_quantized_forward: y[n] = W[ids[n]]. Ids beyond V are taken for the last. ids: (N) u32; y: (N, D).
// All overwrite y.

/** Numbers of the weight in a piece of work at least. */
const LEAST_NUMBERS: u32 = 16384;

/** Rows of weights that are made float32 together, for several rows of x. */
const PANEL: u32 = 4;

export function linear_quantized_forward(
  x: usize,
  weight: usize,
  scales: usize,
  y: usize,
  rows: u32,
  I: u32,
  O: u32,
  bits: u32,
  work: usize,
): void {
  const rowBytes = rowBytesOf(I, bits);
  // What several rows take of the scratch memory: x in groups of six, and a panel.
  const isSeveral = rows > 1 && rows <= 16 && I <= (SCRATCH_BYTES as u32) / 96;
  const groupBytes = (I / 4) * 96;
  if (isSeveral && rows > 2) {
    const xBytes = (I as usize) << 2;
    for (let r: u32 = 0; r < rows; r += 6) {
      interleaveRows(scratch + r / 6 * groupBytes, x + r * xBytes, xBytes, min<u32>(6, rows - r), I);
    }
  }
  divide(work, (O + LINE - 1) / LINE, max<u32>(1, LEAST_NUMBERS / LINE / I));
  while (claim()) {
    const begin = firstElement();
    const end = endElement(O);
    if (isSeveral) {
      const panel = scratch + (rows + 5) / 6 * groupBytes;
      for (let o = begin; o < end; o += PANEL) {
        multiplyPanel(
          x,
          weight + o * rowBytes,
          scales + (o << 2),
          y + (o << 2),
          rows,
          I,
          O,
          bits,
          min(PANEL, end - o),
          panel,
        );
      }
      continue;
    }
    for (let o = begin; o < end; o++) {
      const from = weight + o * rowBytes;
      const scale = load<f32>(scales + (o << 2));
      for (let r: u32 = 0; r < rows; r++) {
        const row = x + (((r as usize) * I) << 2);
        const sum = bits === 8 ? dotInt8(row, from, I) : dotBf16(row, from, I);
        store<f32>(y + (((r as usize) * O + o) << 2), sum * scale);
      }
    }
  }
}

/** A few neighbouring columns of all rows, whose weights are made float32 first. */
function multiplyPanel(
  x: usize,
  weight: usize,
  scales: usize,
  y: usize,
  rows: u32,
  I: u32,
  O: u32,
  bits: u32,
  columns: u32,
  panel: usize,
): void {
  const inBytes = (I as usize) << 2;
  const rowBytes = rowBytesOf(I, bits);
  for (let o: u32 = 0; o < columns; o++) {
    decodeRow(panel + o * inBytes, weight + o * rowBytes, I, bits, load<f32>(scales + (o << 2)));
  }
  if (rows === 2) {
    dot2x4(I, x, x + inBytes, panel, 0, columns, y, (O as usize) << 2);
  } else {
    for (let r: u32 = 0; r < rows; r += 6) {
      const packed = scratch + r / 6 * ((I / 4) * 96);
      for (let o: u32 = 0; o < columns; o += 2) {
        const w0 = panel + o * inBytes;
        const to = y + (((r as usize) * O + o) << 2);
        dot6x2(
          I,
          packed,
          w0,
          o + 1 < columns ? w0 + inBytes : w0,
          to,
          (O as usize) << 2,
          min<u32>(6, rows - r),
          columns - o,
        );
      }
    }
  }
  for (let i = I & ~3; i < I; i++) {
    for (let r: u32 = 0; r < rows; r++) {
      const factor = load<f32>(x + (((r as usize) * I + i) << 2));
      for (let o: u32 = 0; o < columns; o++) {
        const at = y + (((r as usize) * O + o) << 2);
        store<f32>(at, load<f32>(at) + factor * load<f32>(panel + o * inBytes + (i << 2)));
      }
    }
  }
}

export function dequantize_weight(
  weight: usize,
  scales: usize,
  y: usize,
  I: u32,
  O: u32,
  bits: u32,
  work: usize,
): void {
  decodeRows(0, weight, scales, y, O, O, I, bits, work);
}

export function embedding_quantized_forward(
  ids: usize,
  weight: usize,
  scales: usize,
  y: usize,
  N: u32,
  V: u32,
  D: u32,
  bits: u32,
  work: usize,
): void {
  decodeRows(ids, weight, scales, y, N, V, D, bits, work);
}

/** y[n] = W[ids[n]], or W[n] if the address of ids is 0. */
function decodeRows(
  ids: usize,
  weight: usize,
  scales: usize,
  y: usize,
  N: u32,
  V: u32,
  D: u32,
  bits: u32,
  work: usize,
): void {
  const rowBytes = rowBytesOf(D, bits);
  divideRows(work, N, D);
  while (claim()) {
    const end = endUnit;
    for (let n = firstUnit; n < end; n++) {
      const v = ids === 0 ? n : min(load<u32>(ids + ((n as usize) << 2)), V - 1);
      decodeRow(y + (((n as usize) * D) << 2), weight + v * rowBytes, D, bits, load<f32>(scales + (v << 2)));
    }
  }
}
