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

/** @throws {TypeError} If the tensor's element type is not the one needed. */
export function requireDType(op: string, x: Tensor, dtype: "f32" | "u32"): void {
  if (x.dtype !== dtype) throw new TypeError(`Cannot apply ${op}: got ${x} of type ${x.dtype}, must be ${dtype}`);
}
