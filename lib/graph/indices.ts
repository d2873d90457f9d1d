// Integers that say where in an array a kernel reads or writes: token ids, targets, positions.
import type { IndexRange, Tensor, View } from "./tensor.ts";

/** The bounds of a tensor's elements, in a view that it begins at element `first` of. */
export function indicesOf({ name, size, below }: Tensor, first = 0): readonly IndexRange[] {
  return below === Infinity ? [] : [{ name, first, size, below }];
}

/**
 * Holds what the host writes to a view against the bounds that ops have set.
 * @throws {RangeError} Naming the first integer that is beyond its bound.
 */
export function requireIndices({ indices = [] }: View, data: Float32Array | Uint32Array): void {
  for (const { name, first, size, below } of indices) {
    // Whatever the host's array is called, a kernel reads its bits.
    const integers = data instanceof Uint32Array
      ? data.subarray(first, first + size)
      : new Uint32Array(data.buffer, data.byteOffset + 4 * first, size);
    for (let i = 0; i < integers.length; i++) {
      if (integers[i] < below) continue;
      throw new RangeError(`Cannot write ${name}: got ${integers[i]} at ${i}, must be below ${below}`);
    }
  }
}
