// What ops that move numbers about ask of dimensions.
import type { Tensor } from "../graph/tensor.ts";

/**
 * The index of a dimension, which may be counted from the end: −1 is the last.
 * @throws {RangeError} If the tensor has no such dimension.
 */
export function dimensionOf(op: string, x: Tensor, dim: number): number {
  const rank = x.shape.length;
  if (!Number.isInteger(dim) || dim < -rank || dim >= rank) {
    throw new RangeError(
      `Cannot apply ${op}: got dimension ${dim} of ${x}, must be a whole number from ${-rank} to ${rank - 1}`,
    );
  }
  return dim < 0 ? dim + rank : dim + 0;
}

/** The product of sizes; 1 of none. */
export function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, n) => product * n, 1);
}

/** For each dimension of a dense array, how many elements apart its neighbours are. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => productOf(shape.slice(i + 1)));
}

/**
 * Kernels count elements in u32.
 * @throws {RangeError} If the tensor has 2³² elements or more.
 */
export function requireCountable(op: string, x: Tensor): void {
  if (x.size >= 2 ** 32) throw new RangeError(`Cannot apply ${op}: got ${x}, must have fewer than 2^32 elements`);
}
