// Which of a tensor's dimensions an op works along, and what lies outside and inside of them.
import type { Tensor } from "../graph/tensor.ts";

/** One dimension of a tensor, or several that lie side by side; negative ones count from the end. */
export type Dimensions = number | readonly number[];

/** A tensor seen as (outer, length, inner): the dimensions in question, folded into one, and all before and after. */
export interface Span {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** Where dimensions lie in a shape: from `first` up to, and without, `end`. */
export interface DimensionRange {
  readonly first: number;
  readonly end: number;
}

/**
 * A dimension by its place in the shape.
 * @throws {RangeError} If the tensor has no such dimension.
 */
export function dimensionOf(op: string, x: Tensor, dim: number): number {
  const { length } = x.shape;
  if (!Number.isInteger(dim) || dim < -length || dim >= length) {
    throw new RangeError(
      `Cannot apply ${op}: got dimension ${dim} of ${x}, must be a whole number from ${-length} to ${length - 1}`,
    );
  }
  // −0 is 0.
  return dim < 0 ? dim + length : dim + 0;
}

/**
 * Where dimensions lie: all of them by default.
 * @throws {RangeError} If the tensor has no such dimension, or they do not lie side by side.
 */
export function rangeOf(op: string, x: Tensor, dim: Dimensions | undefined): DimensionRange {
  if (dim === undefined) return { first: 0, end: x.shape.length };
  const dims = typeof dim === "number" ? [dim] : dim;
  const places = dims.map((one) => dimensionOf(op, x, one)).toSorted((a, b) => a - b);
  if (places.length === 0 || places.some((place, i) => place !== places[0] + i)) {
    throw new RangeError(
      `Cannot apply ${op}: got dimensions ${dims.join(", ") || "none"} of ${x}, must be one, or several side by side`,
    );
  }
  return { first: places[0], end: places[0] + places.length };
}

/** A shape as (outer, length, inner). */
export function spanOf(shape: readonly number[], { first, end }: DimensionRange): Span {
  return {
    outer: productOf(shape.slice(0, first)),
    length: productOf(shape.slice(first, end)),
    inner: productOf(shape.slice(end)),
  };
}

/** The product of sizes; 1 of none. */
export function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
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
