import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { productOf } from "./dimensions.ts";

/**
 * The same array in another shape, as PyTorch's `view`: no element is moved, forward or backward, and what is written to
 * `x` later shows in the result too.
 *
 * @param x Any shape.
 * @param shape As many elements. One size may be −1: what the others leave.
 * @returns That shape, in the type of `x`.
 * @throws {RangeError} If `shape` has another number of elements, or no size could stand for −1.
 * @throws {TypeError} If `x` is of type u32.
 */
export function reshape(graph: Graph, x: Tensor, shape: readonly number[]): Tensor {
  if (x.dtype === "u32") throw new TypeError(`Cannot apply reshape: got ${x} of type u32, must be f32 or f16`);
  const y = new Tensor(`reshape(${x.name})`, sizesOf(x, shape), { base: x });
  return graph.record({
    op: "reshape",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => gradients.pass(x, new Tensor(`d_${x.name}`, x.shape, { base: dY })),
  });
}

/** The sizes, −1 replaced. */
function sizesOf(x: Tensor, shape: readonly number[]): readonly number[] {
  const rest = x.size / productOf(shape.filter((size) => size !== -1));
  const sizes = shape.map((size) => size === -1 ? rest : size);
  const inferred = shape.filter((size) => size === -1).length;
  const isRight = inferred <= 1 && sizes.length > 0 && sizes.every((size) => Number.isInteger(size) && size > 0) &&
    productOf(sizes) === x.size;
  if (isRight) return sizes;
  throw new RangeError(
    `Cannot apply reshape: got shape (${shape.join(", ")}) for ${x}, must be positive whole numbers, one of them −1 ` +
      `if it is to be found, and ${x.size} elements together`,
  );
}
