import { assertEquals, assertThrows } from "@std/assert";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { silu } from "../../lib/ops/silu.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";

interface Sizes {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

testOp({
  name: "reshape",
  makeCase: ({ from, to }: Sizes) => {
    const size = from.reduce((a, b) => a * b);
    return {
      label: `reshape (${from}) to (${to})`,
      inputs: { x: { shape: from, data: new Random(size).normal(size) } },
      build: (graph, { x }) => reshape(graph, x, to),
    };
  },
  // Elements are moved, never changed; an addition to a gradient has its own rounding.
  tolerances: () => ({ y: {}, d_x: {} }),
  differentiate: [{ from: [1], to: [1, 1] }, { from: [2, 3], to: [3, -1] }],
  compare: [
    { from: [1], to: [1] },
    { from: [7], to: [1, 7, 1] },
    { from: [3, 4, 5], to: [-1] },
    { from: [3, 4, 5], to: [5, 2, 6] },
    { from: [127, 16], to: [127, 2, 8] },
    { from: [257, 257], to: [-1, 1] },
  ],
  accumulate: [{ from: [3, 5], to: [15] }, { from: [64, 33], to: [33, 64] }],
  repeat: { from: [101, 103], to: [-1, 101] },
});

Deno.test("reshape moves nothing, forward or backward", () => {
  const graph = new Graph();
  const x = graph.input("x", [2, 3], { requiresGrad: true });
  const y = reshape(graph, x, [3, 2]);
  const dY = graph.input("dY", [3, 2]);
  const dX = backward(graph, y, dY).of(x)!;
  assertEquals([y.base === x, dX.base === dY, dX.shape], [true, true, [2, 3]]);
  assertEquals(graph.calls.length, 0);
});

Deno.test("crossEntropy does not overwrite logits that have another shape elsewhere", () => {
  const graph = new Graph();
  const x = graph.input("x", [6, 5], { requiresGrad: true });
  const targets = graph.input("targets", [2, 3], { dtype: "u32" });
  const loss = crossEntropy(graph, reshape(graph, silu(graph, x), [2, 3, 5]), targets, { overwriteLogits: true });
  assertThrows(
    () => backward(graph, loss, graph.input("dLoss", [1])),
    Error,
    "got reshape and crossEntropy that take it, must be one op",
  );
});

Deno.test("reshape finds the size that is left, and keeps the type", () => {
  const graph = new Graph({ precision: "f16" });
  for (const dtype of ["f32", "f16"] as const) {
    const x = new Tensor("x", [2, 3, 4], { dtype });
    for (
      const [shape, expected] of [
        [[-1], [24]],
        [[6, -1], [6, 4]],
        [[-1, 24], [1, 24]],
        [[2, -1, 2, 3], [2, 2, 2, 3]],
        [[4, 6], [4, 6]],
      ]
    ) {
      const y = reshape(graph, x, shape);
      assertEquals([y.shape, y.dtype], [expected, dtype]);
    }
  }
});

Deno.test("reshape refuses another number of elements, and sizes that are none", () => {
  const x = new Tensor("x", [2, 3]);
  for (const shape of [[], [5], [2, 2], [6, 2], [-1, -1], [-1, 4], [-2, -3], [0, -1], [1.5, 4], [NaN], [-1, 12]]) {
    const problem = `got shape (${shape.join(", ")}) for x (2, 3), must be positive whole numbers`;
    assertThrows(() => reshape(new Graph(), x, shape), RangeError, problem);
  }
});
