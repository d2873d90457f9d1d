import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { dimensionOf, stridesOf } from "./dimensions.ts";
import { stridedCopy } from "./strided_copy.ts";

/**
 * Puts dimensions in another order, as PyTorch's `permute` does. The elements are copied, once forward and once backward:
 * arrays here are dense.
 *
 * @param x Any shape.
 * @param order Which dimension of `x` each one of the result is; negative ones count from the end.
 * @returns The shape of `x` in that order, in the type of `x`.
 * @throws {RangeError} If `order` does not name each dimension once; or if more than four are left where those of size 1
 * do not count, and those that stay neighbours count as one.
 * @throws {TypeError} If `x` is of type u32.
 *
 * @example Heads before positions
 * ```ts
 * import { Graph } from "@bytelm/bytelm/graph";
 * import { permute, reshape } from "@bytelm/bytelm/ops";
 *
 * const graph = new Graph();
 * const [batch, seqLen, dModel, numHeads] = [2, 16, 32, 4];
 * const x = graph.input("x", [batch, seqLen, dModel]);
 * const heads = reshape(graph, x, [batch, seqLen, numHeads, -1]);
 * console.log(permute(graph, heads, [0, 2, 1, 3]).shape); // [ 2, 4, 16, 8 ]
 * ```
 */
export function permute(graph: Graph, x: Tensor, order: readonly number[]): Tensor {
  const dims = order.map((dim) => dimensionOf("permute", x, dim));
  if (dims.length !== x.shape.length || new Set(dims).size !== dims.length) {
    throw new RangeError(
      `Cannot apply permute: got order (${order.join(", ")}) for ${x}, must name each of its dimensions once`,
    );
  }
  return permuted(graph, "permute", x, dims);
}

/**
 * Swaps two dimensions, as PyTorch's `transpose` does; see {@linkcode permute}.
 *
 * @param x Any shape.
 * @param dim0 One of them; negative ones count from the end.
 * @param dim1 The other.
 * @returns The shape of `x` with the two swapped, in the type of `x`.
 * @throws {RangeError} If `x` has no such dimension.
 * @throws {TypeError} If `x` is of type u32.
 */
export function transpose(graph: Graph, x: Tensor, dim0: number, dim1: number): Tensor {
  const [a, b] = [dimensionOf("transpose", x, dim0), dimensionOf("transpose", x, dim1)];
  return permuted(graph, "transpose", x, x.shape.map((_, i) => i === a ? b : i === b ? a : i));
}

function permuted(graph: Graph, op: string, x: Tensor, order: readonly number[]): Tensor {
  const y = new Tensor(`${op}(${x.name})`, order.map((dim) => x.shape[dim]), { dtype: x.dtype });
  const xStrides = stridesOf(x.shape);
  const yStrides = stridesOf(y.shape);
  stridedCopy(graph, op, { x, y, strides: order.map((dim) => xStrides[dim]), accumulate: 0 });
  return graph.record({
    op,
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      stridedCopy(graph, op, {
        x: dY,
        y: dX,
        strides: x.shape.map((_, dim) => yStrides[order.indexOf(dim)]),
        accumulate,
      });
    },
  });
}
