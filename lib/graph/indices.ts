// Integers that a kernel uses to find places in arrays: token ids, targets, positions.
import type { IndexRange, Tensor, View } from "./tensor.ts";

/** The bounds of a tensor's elements, in a view where it begins at element `first`. */
export function indicesOf({ name, size, below }: Tensor, first = 0): readonly IndexRange[] {
  return below === Infinity ? [] : [{ name, first, size, below }];
}

/**
 * Checks what the host writes to a view against the bounds that ops have set.
 * @throws {RangeError} If an integer is not below its bound, naming the first such integer.
 */
export function requireIndices({ indices = [] }: View, data: Float32Array | Uint32Array): void {
  for (const { name, first, size, below } of indices) {
    // Whatever type the host's array has, a kernel reads its bits.
    const integers = data instanceof Uint32Array
      ? data.subarray(first, first + size)
      : new Uint32Array(data.buffer, data.byteOffset + 4 * first, size);
    for (let i = 0; i < integers.length; i++) {
      if (integers[i] < below) continue;
      throw new RangeError(`Cannot write ${name}: got ${integers[i]} at ${i}, must be below ${below}`);
    }
  }
}
