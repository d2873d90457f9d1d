import { requireIndices } from "./indices.ts";
import type { View } from "./tensor.ts";

/**
 * Holds what the host writes to a view against the view. Its bits are copied: an array of another type would be taken for
 * other numbers, and one of plain JavaScript has none.
 *
 * @throws {TypeError} If it is no `Float32Array` where the view is of f32, or no `Uint32Array` where it is not.
 * @throws {RangeError} If it has more elements than the view or fewer, or an integer is beyond its bound.
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
