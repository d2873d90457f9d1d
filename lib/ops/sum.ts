import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { type Dimensions, rangeOf, spanOf } from "./dimensions.ts";
import { repeatDimension, sumDimension } from "./sum_dimension.ts";

/** Options for `sum` and `mean`. */
export interface ReductionOptions {
  /** Keep the dimensions that were summed over, with size 1; by default the result does without them. */
  readonly keepDim?: boolean;
}

/**
 * The sum over one dimension, over several side by side, or, by default, over all of them.
 *
 * @param x Any shape
 * @param dim Negative ones count from the end.
 * @returns x's shape without these dimensions; (1) where none is left
 * @throws {RangeError} If `x` has no such dimension, or they do not lie side by side.
 * @throws {TypeError} If `x` is of type u32.
 */
export function sum(graph: Graph, x: Tensor, dim?: Dimensions, options: ReductionOptions = {}): Tensor {
  return reduce("sum", graph, x, dim, options, () => 1);
}

/**
 * The mean over one dimension, over several side by side, or, by default, over all of them.
 *
 * @param x Any shape
 * @param dim Negative ones count from the end.
 * @returns x's shape without these dimensions; (1) where none is left
 * @throws {RangeError} If `x` has no such dimension, or they do not lie side by side.
 * @throws {TypeError} If `x` is of type u32.
 */
export function mean(graph: Graph, x: Tensor, dim?: Dimensions, options: ReductionOptions = {}): Tensor {
  return reduce("mean", graph, x, dim, options, (length) => 1 / length);
}

/** y[o,i] = factor · Σ over l of x[o,l,i], whose gradient is dX[o,l,i] = factor · dY[o,i]. */
function reduce(
  op: string,
  graph: Graph,
  x: Tensor,
  dim: Dimensions | undefined,
  { keepDim = false }: ReductionOptions,
  factorOf: (length: number) => number,
): Tensor {
  const range = rangeOf(op, x, dim);
  const span = spanOf(x.shape, range);
  const factor = factorOf(span.length);
  const kept = keepDim ? Array<number>(range.end - range.first).fill(1) : [];
  const shape = [...x.shape.slice(0, range.first), ...kept, ...x.shape.slice(range.end)];
  const y = new Tensor(`${op}(${x.name})`, shape.length === 0 ? [1] : shape);
  sumDimension(graph, x, y, span, factor, 0);
  return graph.record({
    op,
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      repeatDimension(graph, dY, dX, span, factor, accumulate);
    },
  });
}
