import { dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from "./k_quants.ts";
import { tensorTypeNamed } from "./tensor_types.ts";

/** Turns whole blocks into numbers. */
export type Dequantize = (blocks: Uint8Array, out: Float32Array) => void;

/**
 * Types of tensors that are read as float32. Each block becomes the numbers that ggml's reference makes of it, bit for bit.
 *
 * Source: the block layouts in ggml-common.h, and what the Python package `gguf` makes of them.
 */
const DEQUANTIZE: Readonly<Record<string, Dequantize>> = {
  F32: (bytes, out) => {
    const view = viewOf(bytes);
    // Not by the bits of a Uint32Array, because the bytes need not be aligned.
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
  },
  F16: (bytes, out) => {
    const view = viewOf(bytes);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat16(2 * i, true);
  },
  BF16: (bytes, out) => {
    // bfloat16 is the upper half of a float32.
    const view = viewOf(bytes), bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  },
  Q8_0: (blocks, out) => {
    const view = viewOf(blocks);
    for (let at = 0, i = 0; at < blocks.length; at += 34) {
      const scale = view.getFloat16(at, true);
      for (let j = 0; j < 32; j++) out[i++] = scale * view.getInt8(at + 2 + j);
    }
  },
  Q4_0: (blocks, out) => dequantize32(blocks, out, { hasMin: false, hasHighBits: false }),
  Q4_1: (blocks, out) => dequantize32(blocks, out, { hasMin: true, hasHighBits: false }),
  Q5_0: (blocks, out) => dequantize32(blocks, out, { hasMin: false, hasHighBits: true }),
  Q5_1: (blocks, out) => dequantize32(blocks, out, { hasMin: true, hasHighBits: true }),
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
};

/** The names of the types that can be read. */
export const READABLE: readonly string[] = Object.keys(DEQUANTIZE);

/** How a type is read; `undefined` if it cannot be. */
export function dequantizeOf(
  dtype: string,
): { readonly blockElements: number; readonly blockBytes: number; readonly run: Dequantize } | undefined {
  const type = tensorTypeNamed(dtype);
  if (type === undefined || !Object.hasOwn(DEQUANTIZE, dtype)) return undefined;
  return { ...type, run: DEQUANTIZE[dtype] };
}

/**
 * Blocks of 32 numbers: scale (float16), minimum (float16, or none), a fifth bit of each number (32 bits, or none), four
 * bits of each number. The lower halves of the last 16 bytes belong to the first 16 numbers, the upper ones to the others.
 * Without a minimum, numbers are around 0.
 */
function dequantize32(
  blocks: Uint8Array,
  out: Float32Array,
  { hasMin, hasHighBits }: { readonly hasMin: boolean; readonly hasHighBits: boolean },
): void {
  const view = viewOf(blocks);
  const highAt = hasMin ? 4 : 2;
  const lowAt = highAt + (hasHighBits ? 4 : 0);
  const zero = hasMin ? 0 : hasHighBits ? 16 : 8;
  for (let at = 0, i = 0; at < blocks.length; at += lowAt + 16, i += 32) {
    const scale = view.getFloat16(at, true);
    // Adding -0 changes nothing; +0 would turn -0 into +0.
    const min = hasMin ? view.getFloat16(at + 2, true) : -0;
    const high = hasHighBits ? view.getUint32(at + highAt, true) : 0;
    for (let j = 0; j < 16; j++) {
      const byte = blocks[at + lowAt + j];
      const first = (byte & 15) | ((high >>> j & 1) << 4), second = (byte >> 4) | ((high >>> (j + 16) & 1) << 4);
      out[i + j] = scale * (first - zero) + min;
      out[i + 16 + j] = scale * (second - zero) + min;
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
