import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";

/** Turns float32 numbers into the bytes of a tensor. Numbers that a type cannot hold are refused by the tensor's name. */

/** The numbers as they are. */
export function storeF32(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

/**
 * Each number rounded to the nearest float16.
 * @throws {UserError} If one is finite, but too large for float16.
 */
export function storeF16(floats: Float32Array, name: string): Uint8Array {
  const halves = new Float16Array(floats);
  // An infinity is what a number becomes that is too large; one that was there before stays.
  for (let i = 0; i < halves.length; i++) {
    if (Math.abs(halves[i]) === Infinity && Number.isFinite(floats[i])) throw tooLarge(name, floats[i], "F16");
  }
  return new Uint8Array(halves.buffer);
}

const BLOCK_ELEMENTS = 32, BLOCK_BYTES = 34;

/**
 * Blocks of 32 numbers: the scale, the largest magnitude divided by 127, as float16; then each number divided by the scale,
 * rounded to an int8. Computed in float32 as ggml does, so that the bytes are the same.
 *
 * @param floats Whole blocks.
 * @throws {UserError} If a number is not finite, or its scale is too large for float16.
 */
export function storeQ8_0(floats: Float32Array, name: string): Uint8Array {
  const bytes = new Uint8Array(floats.length / BLOCK_ELEMENTS * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0, at = 0; i < floats.length; i += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    let largest = 0;
    for (let j = 0; j < BLOCK_ELEMENTS; j++) {
      const magnitude = Math.abs(floats[i + j]);
      if (!(magnitude < Infinity)) throw tooLarge(name, floats[i + j], "Q8_0");
      if (magnitude > largest) largest = magnitude;
    }
    const scale = Math.fround(largest / 127);
    view.setFloat16(at, scale, true);
    if (view.getFloat16(at, true) === Infinity) throw tooLarge(name, largest, "Q8_0");
    const perScale = Math.fround(1 / scale);
    // The scale of numbers this small is stored as 0, so that any int8 means 0.
    if (scale === 0 || perScale === Infinity) continue;
    for (let j = 0; j < BLOCK_ELEMENTS; j++) view.setInt8(at + 2 + j, rounded(Math.fround(floats[i + j] * perScale)));
  }
  return bytes;
}

/** To the nearest whole number, halves away from 0, as C's roundf does; Math.round takes halves upwards. */
function rounded(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

function tooLarge(name: string, value: number, dtype: string): UserError {
  return new UserError(
    `Cannot write tensor ${
      excerpt(name)
    } as ${dtype}: got ${value}, must be a number that ${dtype} can hold. Write it as F32`,
  );
}
