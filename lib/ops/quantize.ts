// Weights in fewer bits, and back. Each row of a matrix begins at a word of 32 bits, its first number in the lowest bits; what
// is left of its last word is 0. A number stands for itself times its row's scale, which is 1 for bf16.
// Sources: Kalamkar et al. 2019, arXiv:1905.12322 (bf16); Dettmers et al. 2022, arXiv:2208.07339, section 2.1 (int8 by rows).
import { UserError } from "../errors.ts";

/** A format of weights that takes fewer bits than f32. */
export type QuantizedDType = "bf16" | "int8";

/** How the weights of linear maps and embeddings are kept on a device. */
export type WeightsDType = "f32" | QuantizedDType;

/** The formats of weights, the default first. */
export const WEIGHTS_DTYPES: readonly WeightsDType[] = ["f32", "bf16", "int8"];

/** Bits of a number. */
export const BITS_OF: Readonly<Record<QuantizedDType, 8 | 16>> = { bf16: 16, int8: 8 };

/** A matrix in one of these formats. */
export interface QuantizedRows {
  /** (rows, wordsPerRow) */
  readonly words: Uint32Array<ArrayBuffer>;
  /** (rows) */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** The largest of int8; −128 is left out, so that the negative of each number is one too. */
const MAX_INT8 = 127;

/** The smallest float32 that every device computes with; a scale below would lose bits, or be 0. */
const MIN_SCALE = 2 ** -126;

/** Words of 32 bits that a row of so many numbers takes. */
export function wordsPerRow(width: number, bits: number): number {
  return Math.ceil(width * bits / 32);
}

/**
 * Rounds a matrix: to bf16, the nearest, and of two the even one; to int8, the nearest of 255 multiples of the row's scale,
 * the largest of which is the row's largest number.
 *
 * @param values (rows, width)
 * @param name What they are, for errors.
 * @throws {UserError} If a number is NaN or infinite, or too large for the format.
 */
export function quantizeRows(name: string, values: Float32Array, width: number, dtype: QuantizedDType): QuantizedRows {
  const rows = values.length / width;
  const words = new Uint32Array(rows * wordsPerRow(width, BITS_OF[dtype]));
  const scales = new Float32Array(rows).fill(1);
  if (dtype === "bf16") roundToBf16(values, width, words);
  else roundToInt8(values, width, words, scales);
  requireRounded(name, values, dtype);
  return { words, scales };
}

/** The numbers that a matrix stands for, (rows, width). */
export function dequantizeRows({ words, scales }: QuantizedRows, width: number, dtype: QuantizedDType): Float32Array {
  const values = new Float32Array(scales.length * width);
  const rowWords = wordsPerRow(width, BITS_OF[dtype]);
  const bits = new Uint32Array(values.buffer);
  const [halves, bytes] = [
    new Uint16Array(words.buffer, words.byteOffset),
    new Int8Array(words.buffer, words.byteOffset),
  ];
  for (let row = 0; row < scales.length; row++) {
    const to = row * width;
    if (dtype === "bf16") {
      for (let i = 0; i < width; i++) bits[to + i] = halves[row * rowWords * 2 + i] << 16;
    } else {
      for (let i = 0; i < width; i++) values[to + i] = bytes[row * rowWords * 4 + i] * scales[row];
    }
  }
  return values;
}

function roundToBf16(values: Float32Array, width: number, words: Uint32Array<ArrayBuffer>): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(words.buffer);
  const rowHalves = wordsPerRow(width, BITS_OF.bf16) * 2;
  for (let from = 0, to = 0; from < values.length; from += width, to += rowHalves) {
    for (let i = 0; i < width; i++) {
      const word = bits[from + i];
      // What is cut off rounds up where it is more than half, or half and the rest is odd.
      halves[to + i] = (word + 0x7fff + (word >>> 16 & 1)) >>> 16;
    }
  }
}

function roundToInt8(
  values: Float32Array,
  width: number,
  words: Uint32Array<ArrayBuffer>,
  scales: Float32Array<ArrayBuffer>,
): void {
  const bytes = new Int8Array(words.buffer);
  const rowBytes = wordsPerRow(width, BITS_OF.int8) * 4;
  for (let row = 0; row < scales.length; row++) {
    const [from, to] = [row * width, row * rowBytes];
    let largest = 0;
    for (let i = 0; i < width; i++) largest = Math.max(largest, Math.abs(values[from + i]));
    scales[row] = Math.max(MIN_SCALE, largest / MAX_INT8);
    const factor = 1 / scales[row];
    // Above 0, cutting off is rounding down, and faster than Math.round.
    for (let i = 0; i < width; i++) bytes[to + i] = (values[from + i] * factor + 128.5 | 0) - 128;
  }
}

/** Numbers that were not finite, or are not any more. */
function requireRounded(name: string, values: Float32Array, dtype: QuantizedDType): void {
  // From half of the last bit above the largest of bf16 on, the nearest is infinite.
  const limit = dtype === "bf16" ? (2 - 2 ** -8) * 2 ** 127 : Infinity;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]) < limit) continue;
    throw new UserError(
      `Cannot keep ${name} in ${dtype}: got ${values[i]} at ${i}, must be a finite number of that format`,
    );
  }
}
