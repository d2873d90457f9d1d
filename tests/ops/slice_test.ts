import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { slice } from "../../lib/ops/slice.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";

interface Sizes {
  readonly shape: readonly number[];
  /** Dimension, start and end. */
  readonly part: readonly [number, number, number?];
}

testOp({
  name: "slice",
  makeCase: ({ shape, part }: Sizes) => {
    const size = shape.reduce((a, b) => a * b);
    return {
      label: `slice (${shape}) by (${part})`,
      inputs: { x: { shape, data: new Random(size).normal(size) } },
      build: (graph, { x }) => slice(graph, x, ...part),
    };
  },
  // Elements are moved, never changed; an addition to a gradient has its own rounding.
  tolerances: () => ({ y: {}, d_x: {} }),
  differentiate: [
    { shape: [1], part: [0, 0] },
    { shape: [5], part: [0, 1, 4] },
    { shape: [2, 3, 2], part: [1, -2] },
  ],
  compare: [
    { shape: [1], part: [0, 0] },
    { shape: [7], part: [0, -1] },
    { shape: [2, 3, 5], part: [-2, 0, -1] },
    { shape: [5, 3], part: [0, 2, 3] },
    // Places and widths around vectors: each divides by four or does not.
    ...[[12, 4, 8], [12, 3, 8], [12, 4, 9], [12, 4, 12], [13, 4, 8], [11, 1, 2], [11, 0, 10]].map((
      [width, start, end],
    ): Sizes => ({ shape: [7, width], part: [1, start, end] })),
    { shape: [3, 5, 4], part: [1, 1, 4] },
    { shape: [3, 5, 4], part: [0, 1, 2] },
    // Across the cache lines that workers share out, and across workgroups; the last two have one row.
    { shape: [129, 67], part: [1, 13, 61] },
    { shape: [128, 96], part: [1, 32, 64] },
    { shape: [40_009], part: [0, 17, 39_001] },
    { shape: [1024, 64], part: [0, 100, 900] },
  ],
  accumulate: [{ shape: [3, 5, 4], part: [1, 1, 4] }, { shape: [33, 131], part: [1, 5, 98] }],
  repeat: { shape: [101, 103], part: [1, 3, 99] },
});

Deno.test("a slice's start and end count from either end, and its type is what it takes", () => {
  const graph = new Graph({ precision: "f16" });
  for (const dtype of ["f32", "f16"] as const) {
    const x = new Tensor("x", [2, 5], { dtype });
    for (const [start, end] of [[0, 5], [-5, 5], [1, -1], [-2, undefined], [4, 5]]) {
      const y = slice(graph, x, -1, start!, end);
      assertEquals(y.shape, [2, [0, 1, 2, 3, 4].slice(start, end).length]);
      assertEquals(y.dtype, dtype);
    }
  }
});

Deno.test("slice refuses what is empty, and indices and dimensions that there are not", () => {
  const x = new Tensor("x", [2, 5]);
  const refused = (dim: number, start: number, end: number | undefined, problem: string) =>
    assertThrows(() => slice(new Graph(), x, dim, start, end), RangeError, problem);
  for (const [start, end] of [[2, 2], [3, 1], [-1, -1], [0, -5], [0, 0], [0, -0]]) {
    refused(1, start, end, `got nothing from ${start} to ${end} in dimension 1 of x (2, 5)`);
  }
  refused(1, 5, undefined, "got nothing from 5 to 5");
  for (const index of [-6, 6, 1.5, NaN, Infinity]) {
    refused(1, index, 5, `got start ${index} in dimension 1 of x (2, 5), must be a whole number from -5 to 5`);
    refused(-1, 0, index, `got end ${index} in dimension 1`);
  }
  for (const dim of [2, -3, 0.5]) refused(dim, 0, 1, `got dimension ${dim} of x (2, 5)`);
});
