import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { type DimensionRange, spanOf } from "./dimensions.ts";
import { repeatDimension, sumDimension } from "./sum_dimension.ts";

/**
 * `x` repeated along dimensions in which it has size 1, or which it lacks at the front, as NumPy broadcasts.
 * Source: https://numpy.org/doc/stable/user/basics.broadcasting.html
 *
 * @param x Dimensions that, from the last one on, are those of `shape` or 1
 * @param shape The result's
 * @returns `shape`, of x's element type; `x` itself if it has that shape
 * @throws {RangeError} If `x` has more dimensions, or one of another size that is not 1.
 * @throws {TypeError} If `x` is of type u32.
 */
export function broadcast(graph: Graph, x: Tensor, shape: readonly number[]): Tensor {
  const padded = [...Array<number>(Math.max(0, shape.length - x.shape.length)).fill(1), ...x.shape];
  if (padded.length !== shape.length || padded.some((size, i) => size !== shape[i] && size !== 1)) {
    throw new RangeError(
      `Cannot apply broadcast: got ${x} for shape (${
        shape.join(", ")
      }), must have the same sizes from the last dimension on, or 1`,
    );
  }
  if (x.shape.join() === shape.join()) return x;
  // From the last run on, so that the largest repetition copies the longest stretches.
  const runs = runsOf(padded, shape).toReversed();
  // One that only gains dimensions of size 1 is repeated once.
  if (runs.length === 0) runs.push({ first: 0, end: 0 });
  let [y, reached] = [x, padded];
  for (const run of runs) {
    reached = reached.map((size, i) => run.first <= i && i < run.end ? shape[i] : size);
    y = repeat(graph, y, reached, run);
  }
  return y;
}

/** Dimensions side by side along which something is repeated; those of size 1 on both sides do not part them. */
function runsOf(from: readonly number[], to: readonly number[]): DimensionRange[] {
  const runs: DimensionRange[] = [];
  let first: number | undefined;
  to.forEach((size, i) => {
    if (from[i] !== size) first ??= i;
    else if (size !== 1 && first !== undefined) {
      runs.push({ first, end: i });
      first = undefined;
    }
  });
  if (first !== undefined) runs.push({ first, end: to.length });
  return runs;
}

/** y[o,l,i] = x[o,i], whose gradient is dX[o,i] = Σ over l of dY[o,l,i]. */
function repeat(graph: Graph, x: Tensor, shape: readonly number[], run: DimensionRange): Tensor {
  const span = spanOf(shape, run);
  const y = new Tensor(`broadcast(${x.name})`, shape, { dtype: x.dtype });
  repeatDimension(graph, x, y, span, 1, 0);
  return graph.record({
    op: "broadcast",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      sumDimension(graph, dY, dX, span, 1, accumulate);
    },
  });
}
