import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance } from "../harness/tolerance.ts";

interface Sizes {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

const productOf = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b);

testOp({
  name: "broadcast",
  makeCase: ({ from, to }: Sizes) => {
    const size = productOf(from);
    return {
      label: `broadcast (${from}) to (${to})`,
      inputs: { x: { shape: from, data: new Random(size).normal(size) } },
      build: (graph, { x }) => broadcast(graph, x, to),
      // Any number of them fits the output, which is larger than the input.
      dY: new Random(7).normal(productOf(to)),
      // One sum alone, of many terms, may happen to be next to nothing.
      cancels: size === 1,
    };
  },
  // Elements are copied; their gradients are sums of as many terms as there are copies.
  tolerances: (op) => {
    const dY = upstreamOf(op, 0);
    return { y: {}, d_x: dotTolerance(dY.length / op.inputs.x.data.length, dY, Float32Array.of(1)) };
  },
  differentiate: [
    { from: [1], to: [1] },
    { from: [3], to: [2, 3] },
    { from: [2, 1, 2], to: [2, 2, 3, 2] },
  ],
  compare: [
    { from: [1], to: [1] },
    { from: [3, 1], to: [3, 1] },
    { from: [1], to: [7] },
    { from: [5], to: [1, 1, 5] },
    { from: [1, 1], to: [3, 5] },
    // Rows, of widths around vectors; columns; matrices; every other dimension.
    ...[1, 3, 4, 5, 8, 67].map((width) => ({ from: [width], to: [7, 11, width] })),
    ...[1, 3, 4, 5, 8, 67].map((width) => ({ from: [7, 1], to: [7, width] })),
    { from: [5, 7], to: [3, 5, 7] },
    { from: [3, 1, 5, 1], to: [3, 4, 5, 8] },
    { from: [1, 4, 1, 8], to: [3, 4, 5, 8] },
    { from: [2, 1, 1, 3, 1, 3], to: [2, 5, 1, 3, 1, 3] },
    // Sums that are cut into parts, into fewer than there may be, and, of a prime number of terms, not at all.
    { from: [64], to: [1024, 64] },
    { from: [33], to: [65 * 7, 33] },
    { from: [5], to: [127, 5] },
    { from: [129, 1], to: [129, 384] },
    { from: [1], to: [256, 257] },
  ],
  accumulate: [{ from: [5], to: [3, 5] }, { from: [33, 1, 4], to: [33, 131, 4] }, { from: [7, 1], to: [7, 256] }],
  repeat: { from: [101, 1], to: [3, 101, 103] },
});

Deno.test("broadcast keeps the type", () => {
  const graph = new Graph({ precision: "f16" });
  for (const dtype of ["f32", "f16"] as const) {
    assertEquals(broadcast(graph, new Tensor("x", [3, 1], { dtype }), [2, 3, 4]).dtype, dtype);
  }
});

Deno.test("broadcast refuses shapes that do not fit, or that take turns too often", () => {
  const refused = (from: readonly number[], to: readonly number[], problem: string) =>
    assertThrows(() => broadcast(new Graph(), new Tensor("x", from), to), RangeError, problem);
  for (const to of [[3], [2, 4], [2, 1], [2, 3, 1], [3, 2], []]) {
    refused([2, 3], to, `got x (2, 3) for shape (${to.join(", ")}), must have the same sizes or 1`);
  }
  for (const size of [0, -1, 1.5, NaN]) refused([1], [2, size], "must be one or more positive integers");
  refused([1, 2, 1, 2, 1], [2, 2, 2, 2, 2], "which takes 5 dimensions, must take at most 4");
  refused([1], [2 ** 16, 2 ** 16], "must have fewer than 2^32 elements");
});
