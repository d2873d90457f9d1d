import { copyKernel } from "../graph/copy.ts";
import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { stridesOf } from "./dimensions.ts";
import { stridedCopy } from "./strided_copy.ts";
import { MAX_PARTIALS, sumPartialsKernel } from "./sum_partials.ts";

/**
 * Repeats `x` along its dimensions of size 1, and along new ones before the first, as PyTorch's `broadcast_to` does. The
 * repetitions are written out: arrays here are dense. The gradient is their sum, in an order that the shapes decide.
 *
 * @param x Each of its dimensions, counted from the last, of the size of the result's or of 1.
 * @param shape The result's.
 * @returns That shape, in the type of `x`.
 * @throws {RangeError} If `x` does not fit `shape`; or if dimensions that are repeated and dimensions that are not take
 * turns too often: neighbours of a kind count as one, and there may be four.
 * @throws {TypeError} If `x` is of type u32.
 */
export function broadcast(graph: Graph, x: Tensor, shape: readonly number[]): Tensor {
  const added = shape.length - x.shape.length;
  const sizes = shape.map((_, i) => i < added ? 1 : x.shape[i - added]);
  if (added < 0 || sizes.some((size, i) => size !== 1 && size !== shape[i])) {
    throw new RangeError(
      `Cannot apply broadcast: got ${x} for shape (${shape.join(", ")}), must have the same sizes or 1, ` +
        `and no more dimensions`,
    );
  }
  const y = new Tensor(`broadcast(${x.name})`, shape, { dtype: x.dtype });
  const repeated = shape.flatMap((size, i) => sizes[i] === size ? [] : [i]);
  const strides = stridesOf(sizes).map((stride, i) => repeated.includes(i) ? 0 : stride);
  stridedCopy(graph, "broadcast", { x, y, strides, accumulate: 0 });
  return graph.record({
    op: "broadcast",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      sumInto(graph, termsOf(graph, dY, repeated), dX, accumulate);
    },
  });
}

/** The gradient as rows to be added up: dimensions that were repeated first. In f32, so that sums are exact till the end. */
function termsOf(graph: Graph, dY: Tensor, repeated: readonly number[]): Tensor {
  const dims = [...dY.shape.keys()];
  const order = [...repeated, ...dims.filter((dim) => !repeated.includes(dim))];
  // Those of size 1 may go anywhere.
  const moved = order.filter((dim) => dY.shape[dim] > 1);
  if (dY.dtype === "f32" && moved.every((dim, i) => i === 0 || dim > moved[i - 1])) return dY;
  const terms = new Tensor(`terms(${dY.name})`, order.map((dim) => dY.shape[dim]));
  const strides = stridesOf(dY.shape);
  stridedCopy(graph, "broadcast", { x: dY, y: terms, strides: order.map((dim) => strides[dim]), accumulate: 0 });
  return terms;
}

/** Appends the calls that write, or add, the sum of rows. They are summed in parts first: in a row, they would add up errors. */
function sumInto(graph: Graph, terms: Tensor, dX: Tensor, accumulate: 0 | 1): void {
  const D = dX.size;
  const rows = terms.size / D;
  const parts = largestDivisor(rows, MAX_PARTIALS);
  const sum = (partials: Tensor, y: Tensor, P: number, accumulate: 0 | 1) =>
    graph.call(sumPartialsKernel, {
      inputs: { partials },
      outputs: { y },
      constants: { P, D: y.size, accumulate },
    });
  let partials = terms;
  if (parts < rows && parts > 1) {
    partials = new Tensor(`partials(${dX.name})`, [parts, D]);
    sum(terms, partials, rows / parts, 0);
  }
  if (dX.dtype === "f32") return sum(partials, dX, partials.size / D, accumulate);
  const whole = new Tensor(`sum(${dX.name})`, dX.shape);
  sum(partials, whole, partials.size / D, 0);
  graph.call(copyKernel, { inputs: { x: whole }, outputs: { y: dX }, constants: { n: D, accumulate } });
}

/** The largest divisor of `n` that is `most` at most. */
function largestDivisor(n: number, most: number): number {
  let divisor = Math.min(n, most);
  while (n % divisor !== 0) divisor--;
  return divisor;
}
