import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { permute, transpose } from "../../lib/ops/permute.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";

interface Sizes {
  readonly shape: readonly number[];
  readonly order: readonly number[];
}

testOp({
  name: "permute",
  makeCase: ({ shape, order }: Sizes) => {
    const size = shape.reduce((a, b) => a * b);
    return {
      label: `permute (${shape}) as (${order})`,
      inputs: { x: { shape, data: new Random(size).normal(size) } },
      build: (graph, { x }) => permute(graph, x, order),
    };
  },
  // Elements are moved, never changed; an addition to a gradient has its own rounding.
  tolerances: () => ({ y: {}, d_x: {} }),
  differentiate: [
    { shape: [1], order: [0] },
    { shape: [2, 3], order: [1, 0] },
    { shape: [2, 3, 2, 2], order: [3, 1, 0, 2] },
  ],
  compare: [
    { shape: [1], order: [0] },
    { shape: [7], order: [-1] },
    { shape: [1, 1, 5], order: [2, 0, 1] },
    { shape: [2, 3], order: [1, 0] },
    { shape: [17, 31], order: [0, 1] },
    // Heads before positions: heads of one number, around vectors, and of a prime.
    ...[1, 2, 3, 4, 5, 8, 15, 16, 17, 64, 67].map((headDim) => ({ shape: [3, 7, 5, headDim], order: [0, 2, 1, 3] })),
    // Keys before positions, and all dimensions the other way round.
    ...[1, 3, 4, 8, 13].map((headDim) => ({ shape: [2, 9, 3, headDim], order: [0, 2, 3, 1] })),
    { shape: [5, 4, 3, 7], order: [3, 2, 1, 0] },
    // Matrices of sizes that divide by four, in x by 8, by 12 and by 16.
    ...[8, 12, 16].map((width) => ({ shape: [3, 20, width], order: [0, 2, 1] })),
    { shape: [2, 3, 20, 32], order: [1, 0, 3, 2] },
    // More than four dimensions, which are four when neighbours are taken as one; and sizes of 1 among them.
    { shape: [2, 3, 2, 5, 3, 2], order: [4, 5, 2, 3, 0, 1] },
    { shape: [2, 1, 3, 1, 5, 1, 2], order: [6, 1, 4, 5, 0, 3, 2] },
    // Around the cache lines that workers share out, and around workgroups.
    ...[255, 256, 257].map((rows) => ({ shape: [rows, 16], order: [1, 0] })),
    { shape: [513, 129], order: [1, 0] },
    { shape: [128, 512], order: [-1, -2] },
    { shape: [31, 67, 64], order: [1, 0, 2] },
  ],
  accumulate: [
    { shape: [3, 7, 5, 8], order: [0, 2, 1, 3] },
    { shape: [37, 129], order: [1, 0] },
    { shape: [36, 128], order: [1, 0] },
  ],
  repeat: { shape: [101, 103], order: [1, 0] },
});

Deno.test("transpose is the order with two swapped, dimensions counted from either end", () => {
  const x = new Tensor("x", [2, 3, 5, 7]);
  const calls = (apply: (graph: Graph) => Tensor) => {
    const graph = new Graph();
    const { shape } = apply(graph);
    return { shape, constants: graph.calls.map(({ constants }) => constants) };
  };
  for (const [dim0, dim1] of [[0, 2], [2, 0], [-4, 2], [-2, 0]]) {
    assertEquals(
      calls((graph) => transpose(graph, x, dim0, dim1)),
      calls((graph) => permute(graph, x, [2, 1, 0, 3])),
      `${dim0}, ${dim1}`,
    );
  }
  assertEquals(transpose(new Graph(), x, 1, -3).shape, x.shape);
});

Deno.test("what permute and transpose make is of the type of what they take", () => {
  const graph = new Graph({ precision: "f16" });
  for (const dtype of ["f32", "f16"] as const) {
    const x = new Tensor("x", [2, 3], { dtype });
    assertEquals([permute(graph, x, [1, 0]).dtype, transpose(graph, x, 0, 1).dtype], [dtype, dtype]);
  }
});

Deno.test("permute and transpose refuse dimensions that there are not, or that are too many", () => {
  const x = new Tensor("x", [2, 3, 5]);
  for (const order of [[0, 1], [0, 1, 1], [0, 1, 2, 0], [], [0, -3, 1]]) {
    const problem = `got order (${order.join(", ")}) for x (2, 3, 5), must name each`;
    assertThrows(() => permute(new Graph(), x, order), RangeError, problem);
  }
  for (const dim of [3, -4, 0.5, NaN]) {
    const problem = `got dimension ${dim} of x (2, 3, 5), must be a whole number from -3 to 2`;
    assertThrows(() => permute(new Graph(), x, [0, 1, dim]), RangeError, problem);
    assertThrows(() => transpose(new Graph(), x, dim, 0), RangeError, problem);
    assertThrows(() => transpose(new Graph(), x, 0, dim), RangeError, problem);
  }
  const deep = new Tensor("deep", [2, 2, 2, 2, 2]);
  assertThrows(
    () => permute(new Graph(), deep, [4, 3, 2, 1, 0]),
    RangeError,
    "which takes 5 dimensions, must take at most 4",
  );
  const huge = new Tensor("huge", [2 ** 16, 2 ** 16]);
  assertThrows(() => transpose(new Graph(), huge, 0, 1), RangeError, "must have fewer than 2^32 elements");
});
