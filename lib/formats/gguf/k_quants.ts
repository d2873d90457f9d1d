/**
 * ggml's "K" types: blocks of 256 numbers in smaller ones, whose scales are themselves small whole numbers with a common
 * scale (float16).
 *
 * Source: the block layouts in ggml-common.h, and what the Python package `gguf` makes of them.
 */

/** Numbers of one block. */
const BLOCK = 256;

/**
 * Q4_K, 144 bytes: scale of scales, scale of minima, 12 bytes of scales and minima (6 bits each, for 8 × 32 numbers), then
 * for each 64 numbers 32 bytes: the lower halves are the first 32 numbers.
 */
export function dequantizeQ4K(blocks: Uint8Array, out: Float32Array): void {
  dequantizeWithMinima(blocks, out, false);
}

/** Q5_K, 176 bytes: as Q4_K, with 32 bytes before the last 128: bit g of byte j is the fifth bit of number 32 g + j. */
export function dequantizeQ5K(blocks: Uint8Array, out: Float32Array): void {
  dequantizeWithMinima(blocks, out, true);
}

function dequantizeWithMinima(blocks: Uint8Array, out: Float32Array, hasHighBits: boolean): void {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  const highAt = 16;
  const lowAt = hasHighBits ? highAt + 32 : highAt;
  for (let at = 0, i = 0; at < blocks.length; at += lowAt + BLOCK / 2, i += BLOCK) {
    const scale = view.getFloat16(at, true), minScale = view.getFloat16(at + 2, true);
    for (let group = 0; group < 8; group++) {
      const groupScale = scale * packedScale(blocks, at + 4, group);
      const groupMin = minScale * packedMin(blocks, at + 4, group);
      const from = at + lowAt + 32 * (group >> 1), shift = 4 * (group & 1);
      for (let j = 0; j < 32; j++) {
        const high = hasHighBits ? (blocks[at + highAt + j] >> group & 1) << 4 : 0;
        out[i + 32 * group + j] = groupScale * ((blocks[from + j] >> shift & 15) | high) - groupMin;
      }
    }
  }
}

/**
 * Six bits of the 12 bytes of scales: groups 0 to 3 have bytes of their own, whose upper two bits are the upper two of
 * groups 4 to 7; the lower four of those are in the last four bytes, with those of the minima above them.
 */
function packedScale(blocks: Uint8Array, at: number, group: number): number {
  if (group < 4) return blocks[at + group] & 63;
  return (blocks[at + group + 4] & 15) | (blocks[at + group - 4] >> 6 << 4);
}

function packedMin(blocks: Uint8Array, at: number, group: number): number {
  if (group < 4) return blocks[at + group + 4] & 63;
  return (blocks[at + group + 4] >> 4) | (blocks[at + group] >> 6 << 4);
}

/**
 * Q6_K, 210 bytes: 128 bytes with the lower four bits of each number, 64 with the upper two, 16 scales (int8, for 16
 * numbers each), the scale of scales. Numbers are around 0. Each half of a block: numbers 32 g + j, for g from 0 to 3, have
 * their upper bits at 2 g of byte j of 32; their lower bits are halves of 64 bytes.
 */
export function dequantizeQ6K(blocks: Uint8Array, out: Float32Array): void {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  for (let at = 0, i = 0; at < blocks.length; at += 210, i += BLOCK) {
    const scale = view.getFloat16(at + 208, true);
    for (let n = 0; n < BLOCK; n++) {
      const half = n >> 7, group = n >> 5 & 3, j = n & 31;
      const low = blocks[at + 64 * half + 32 * (group & 1) + j] >> 4 * (group >> 1) & 15;
      const high = blocks[at + 128 + 32 * half + j] >> 2 * group & 3;
      out[i + n] = scale * view.getInt8(at + 192 + (n >> 4)) * ((low | high << 4) - 32);
    }
  }
}
