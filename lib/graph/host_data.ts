import { requireIndices } from "./indices.ts";
import type { View } from "./tensor.ts";

/**
 * Checks what the host writes to a view. Its bits are copied, so an array of another type would become other numbers,
 * and a plain JavaScript array has no bits to copy.
 *
 * @throws {TypeError} If it is not a `Float32Array` for a view of f32, or not a `Uint32Array` for any other.
 * @throws {RangeError} If its length is not the view's, or an integer is not below its bound.
 */
export function requireHostData(view: View, data: Float32Array | Uint32Array): void {
  const type = view.dtype === "f32" ? Float32Array : Uint32Array;
  if (!(data instanceof type)) {
    const got = Object.prototype.toString.call(data).slice("[object ".length, -1);
    throw new TypeError(`Cannot write to "${view.storage.name}": got ${got}, must be a ${type.name}`);
  }
  if (data.length !== view.size) {
    throw new RangeError(`Cannot write to "${view.storage.name}": got ${data.length} elements, must be ${view.size}`);
  }
  requireIndices(view, data);
}
