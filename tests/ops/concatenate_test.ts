import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { type DType, Tensor } from "../../lib/graph/tensor.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { type OpCase, runOp } from "../harness/op_case.ts";
import { forEachBackend } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";

interface Sizes {
  readonly shapes: readonly (readonly number[])[];
  readonly dim: number;
}

function concatenateOf({ shapes, dim }: Sizes): OpCase {
  const inputs = shapes.map((shape, i) => {
    const size = shape.reduce((a, b) => a * b);
    return [`x${i}`, { shape, data: new Random(size + i).normal(size) }] as const;
  });
  return {
    label: `concatenate (${shapes.join("), (")}) along ${dim}`,
    inputs: Object.fromEntries(inputs),
    build: (graph, tensors) => concatenate(graph, inputs.map(([name]) => tensors[name]), dim),
  };
}

testOp({
  name: "concatenate",
  makeCase: concatenateOf,
  // Elements are moved, never changed; an addition to a gradient has its own rounding.
  tolerances: ({ inputs }) => ({ y: {}, ...Object.fromEntries(Object.keys(inputs).map((name) => [`d_${name}`, {}])) }),
  differentiate: [
    { shapes: [[1], [1]], dim: 0 },
    { shapes: [[2, 3], [2, 1], [2, 2]], dim: -1 },
    { shapes: [[2, 1, 2], [2, 3, 2]], dim: 1 },
  ],
  compare: [
    { shapes: [[1]], dim: 0 },
    { shapes: [[1], [1]], dim: 0 },
    { shapes: [[3], [5], [7]], dim: -1 },
    { shapes: [[2, 3, 5], [1, 3, 5]], dim: 0 },
    { shapes: [[2, 3, 5], [2, 1, 5], [2, 2, 5]], dim: 1 },
    // Widths around vectors, so that places divide by four or do not.
    ...[[4, 8], [4, 7], [5, 8], [8, 4, 4], [1, 4, 3]].map((widths): Sizes => ({
      shapes: widths.map((width) => [7, width]),
      dim: 1,
    })),
    // Across the cache lines that workers share out, and across workgroups; the last has one row.
    { shapes: [[129, 67], [129, 61]], dim: 1 },
    { shapes: [[128, 32], [128, 64], [128, 32]], dim: 1 },
    { shapes: [[20_011], [10_007]], dim: 0 },
  ],
  accumulate: [{ shapes: [[2, 3, 4], [2, 1, 4]], dim: 1 }, { shapes: [[33, 131], [33, 67]], dim: 1 }],
  repeat: { shapes: [[101, 103], [101, 13]], dim: 1 },
});

forEachBackend("a tensor that is concatenated with itself has both parts' gradients", async (backend) => {
  const dY = Float32Array.of(1, 2, 4, 8, 16, 32, 64, 128);
  const op: OpCase = {
    label: "concatenate x, x",
    inputs: { x: { shape: [2, 2], data: Float32Array.of(5, 6, 7, 8) } },
    build: (graph, { x }) => concatenate(graph, [x, x], 1),
    dY,
  };
  const { y, d_x } = await runOp(backend, op);
  assertEquals([...y], [5, 6, 5, 6, 7, 8, 7, 8]);
  assertEquals([...d_x], [1 + 4, 2 + 8, 16 + 64, 32 + 128]);
});

Deno.test("concatenate makes f16 of f16 alone", () => {
  const graph = new Graph({ precision: "f16" });
  const tensor = (dtype: DType) => new Tensor(dtype, [2, 3], { dtype });
  assertEquals(concatenate(graph, [tensor("f16"), tensor("f16")], 0).dtype, "f16");
  assertEquals(concatenate(graph, [tensor("f16"), tensor("f32")], 0).dtype, "f32");
  assertEquals(concatenate(graph, [tensor("f32"), tensor("f32")], 0).dtype, "f32");
});

Deno.test("concatenate refuses no tensors, other shapes, and dimensions that there are not", () => {
  const refused = (shapes: readonly number[][], dim: number, problem: string) => {
    const tensors = shapes.map((shape, i) => new Tensor(`x${i}`, shape));
    assertThrows(() => concatenate(new Graph(), tensors, dim), RangeError, problem);
  };
  refused([], 0, "got no tensors, must be one or more");
  refused([[2, 3], [2, 3], [2, 4]], 0, "got x0 (2, 3) and x2 (2, 4), must have the same shape but for dimension 0");
  refused([[2, 3], [3]], -1, "got x0 (2, 3) and x1 (3), must have the same shape but for dimension 1");
  refused([[3], [2, 3]], 0, "got x0 (3) and x1 (2, 3)");
  for (const dim of [2, -3, 0.5]) refused([[2, 3], [2, 3]], dim, `got dimension ${dim} of x0 (2, 3)`);
});
