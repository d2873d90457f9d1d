// What ops ask of their arguments. Element types are `Graph.call`'s to check: each kernel declares its own.
import type { Tensor } from "../graph/tensor.ts";

/** @throws {RangeError} If the two tensors' shapes differ. */
export function requireSameShape(op: string, a: Tensor, b: Tensor): void {
  if (a.shape.join() !== b.shape.join()) {
    throw new RangeError(`Cannot apply ${op}: got ${a} and ${b}, must have the same shape`);
  }
}

/** @throws {RangeError} If the tensor's shape is not the one needed. */
export function requireShape(op: string, x: Tensor, shape: readonly number[]): void {
  if (x.shape.join() !== shape.join()) {
    throw new RangeError(`Cannot apply ${op}: got ${x}, must have shape (${shape.join(", ")})`);
  }
}

/** @throws {RangeError} If there is neither one position for all sequences nor one for each. */
export function requireStarts(op: string, start: Tensor, batch: number): void {
  const shape = start.shape.join();
  if (shape === "1" || shape === `${batch}`) return;
  throw new RangeError(`Cannot apply ${op}: got ${start}, must have shape (1), or (${batch}) for one of each sequence`);
}

/**
 * Says that an op finds its places by integers: whoever writes them from the host is held to the bound. Kernels take no
 * notice of what is beyond, for integers that come from elsewhere: they read and write no memory beyond an array.
 * @throws {RangeError} If no integer could be right.
 */
export function requireBelow(op: string, indices: Tensor, bound: number): void {
  if (!(bound >= 1)) {
    throw new RangeError(`Cannot apply ${op}: got a bound of ${bound} for ${indices}, must be above 0`);
  }
  indices.below = Math.min(indices.below, bound);
}
