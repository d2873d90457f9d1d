import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { copyColumnsKernel } from "./copy_columns.ts";
import { dimensionOf, productOf, requireCountable } from "./dimensions.ts";

/**
 * The part of `x` from `start` up to, and without, `end` along one dimension. It is copied; the gradient is 0 elsewhere.
 *
 * @param x Any shape.
 * @param dim The dimension; a negative one counts from the end.
 * @param start The first index; negative ones count from the end, as in `Array.prototype.slice`.
 * @param end One past the last index, or negative; the dimension's size by default.
 * @returns The shape of `x` but for that dimension, in the type of `x`.
 * @throws {RangeError} If `x` has no such dimension or index, or nothing lies between the two.
 * @throws {TypeError} If `x` is of type u32.
 */
export function slice(graph: Graph, x: Tensor, dim: number, start: number, end?: number): Tensor {
  const along = dimensionOf("slice", x, dim);
  const size = x.shape[along];
  const first = indexOf(x, along, "start", start);
  const last = end === undefined ? size : indexOf(x, along, "end", end);
  if (first >= last) {
    throw new RangeError(
      `Cannot apply slice: got nothing from ${start} to ${end ?? size} in dimension ${along} of ${x}, ` +
        `must be one index or more`,
    );
  }
  requireCountable("slice", x);
  const y = new Tensor(`slice(${x.name})`, x.shape.with(along, last - first), { dtype: x.dtype });
  const rows = productOf(x.shape.slice(0, along));
  const xFirst = first * productOf(x.shape.slice(along + 1));
  const [xWidth, yWidth] = [x.size / rows, y.size / rows];
  graph.call(copyColumnsKernel, {
    inputs: { x },
    outputs: { y },
    constants: { rows, xWidth, yWidth, xFirst, yFirst: 0, count: yWidth, accumulate: 0 },
  });
  return graph.record({
    op: "slice",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(copyColumnsKernel, {
        inputs: { x: dY },
        outputs: { y: dX },
        constants: { rows, xWidth: yWidth, yWidth: xWidth, xFirst: 0, yFirst: xFirst, count: yWidth, accumulate },
      });
    },
  });
}

/** An index from the start. It may be the dimension's size, which is where the last part ends. */
function indexOf(x: Tensor, dim: number, name: string, index: number): number {
  const size = x.shape[dim];
  if (!Number.isInteger(index) || index < -size || index > size) {
    throw new RangeError(
      `Cannot apply slice: got ${name} ${index} in dimension ${dim} of ${x}, ` +
        `must be a whole number from ${-size} to ${size}`,
    );
  }
  return index < 0 ? index + size : index + 0;
}
