import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest, roundings } from "../harness/tolerance.ts";
import { softmaxForward } from "../reference/softmax.ts";

function softmaxOf(x: OpInput): OpCase {
  return {
    label: `softmax (${x.shape})`,
    inputs: { x },
    build: (graph, { x }) => softmax(graph, x),
    // With one element, y is 1 whatever x is.
    cancels: x.shape.at(-1) === 1,
  };
}

/**
 * exp(−z) at a distance z below the maximum is off by z roundings of its argument and, in WGSL, by 3 + 2z units of two
 * roundings each: relative to a y of e⁻ᶻ that is much, but relative to the largest y at most 10, as z e⁻ᶻ < 0.4. The sum
 * over a row adds √D. dX = y (dY − Σ dY y) inherits the latter error of y twice.
 */
function tolerances(op: OpCase) {
  const { data, shape } = op.inputs.x;
  const D = shape.at(-1)!;
  const { y } = softmaxForward({ x: Float64Array.from(data) }, { rows: data.length / D, D });
  const dY = upstreamOf(op, data.length);
  const range = 2 * largest(data);
  return {
    y: roundings(16 + 5 * range + Math.sqrt(D)),
    d_x: { absolute: 4 * (10 + Math.sqrt(D)) * UNIT_ROUNDOFF * largest(y) * largest(dY) },
  };
}

testOp({
  name: "softmax",
  // Logits near each other, so that each element has a say in its row's sum.
  makeCase: ([rows, D]) => softmaxOf({ shape: [rows, D], data: new Random(rows + 1000 * D).normal(rows * D) }),
  tolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("softmax");
    return {
      op: { ...softmaxOf({ shape: shape("x"), data: floats("x") }), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x") },
    };
  },
  differentiate: [[1, 1], [3, 5], [2, 9]],
  // The last needs more than 65,535 workgroups of a row each.
  compare: [
    [1, 1],
    [7, 1],
    [1, 2],
    [3, 3],
    [5, 4],
    [2, 5],
    [13, 7],
    [7, 8],
    [3, 9],
    [11, 31],
    [5, 63],
    [2, 64],
    [3, 65],
    [65, 127],
    [3, 129],
    [2, 257],
    [3, 1031],
    [65_539, 3],
  ],
  accumulate: [[5, 7], [65, 33]],
  repeat: [67, 65],
});

/** Sizes of (outer, D, inner), of which D is the dimension that adds up to 1. */
function softmaxOver(x: OpInput, dim: number): OpCase {
  const D = x.shape.at(dim)!;
  return {
    label: `softmax (${x.shape}) over ${dim}`,
    inputs: { x },
    build: (graph, { x }) => softmax(graph, x, dim),
    cancels: D === 1,
  };
}

testOp({
  name: "softmax over a dimension that is not the last",
  makeCase: ([outer, D, inner]) => {
    const data = new Random(outer + 1000 * D + 7 * inner).normal(outer * D * inner);
    return softmaxOver({ shape: [outer, D, inner], data }, 1);
  },
  tolerances: stridedTolerances,
  differentiate: [[1, 1, 2], [3, 5, 2], [2, 4, 7]],
  // Around vectors, cache lines, and lanes of a workgroup.
  compare: [
    [1, 1, 2],
    [1, 3, 2],
    [5, 7, 3],
    [2, 9, 4],
    [3, 8, 5],
    [1, 31, 15],
    [2, 64, 16],
    [3, 65, 17],
    [7, 127, 33],
    [3, 129, 2],
    [2, 257, 7],
    [1, 1031, 3],
    [1031, 2, 67],
  ],
  accumulate: [[5, 7, 3], [3, 65, 33]],
  repeat: [13, 67, 65],
  hasHardwareKernels: true,
});

/** As of rows: a column is one, whose elements do not lie side by side. */
function stridedTolerances(op: OpCase) {
  const { data, shape: [outer, D, inner] } = op.inputs.x;
  const rows = Float64Array.from(data, (_, at) => {
    const [o, i, d] = [Math.floor(at / (D * inner)), Math.floor(at / D) % inner, at % D];
    return data[(o * D + d) * inner + i];
  });
  return tolerances({ ...op, inputs: { x: { data: rows, shape: [outer * inner, D] } } });
}

Deno.test("softmax counts dimensions from either end, and takes the last one as rows", () => {
  const kernelsOf = (dim?: number) => {
    const graph = new Graph();
    softmax(graph, new Tensor("x", [2, 3, 4, 1]), dim);
    return graph.calls.map(({ kernel, constants }) => `${kernel.name} ${constants}`);
  };
  assertEquals(kernelsOf(), ["softmax_forward 24,1"]);
  assertEquals(kernelsOf(3), kernelsOf());
  assertEquals(kernelsOf(-2), ["softmax_forward 6,4"]);
  assertEquals(kernelsOf(1), ["softmax_strided_forward 2,3,4"]);
  assertEquals(kernelsOf(-3), kernelsOf(1));
  for (const dim of [4, -5, 0.5, NaN]) {
    assertThrows(() => kernelsOf(dim), RangeError, "must be a whole number from -4 to 3");
  }
});

forEachDevice("softmax takes logits that no exponential could", async (backend) => {
  const rows = [
    [1000, 999, -1000, 1001],
    [-1000, -1001, -999, -5000],
    [1e30, 1e30, 0, -1e30],
    [0, 0, 0, 0],
  ];
  const op = softmaxOf({ shape: [4, 4], data: Float32Array.from(rows.flat()) });
  // Apart from those that underflow to 0, each is at most 2 below its row's maximum.
  await assertOpMatchesReference(backend, op, { ...tolerances(op), y: roundings(16 + 5 * 2 + 2) });
  const columns = Float32Array.from({ length: 16 }, (_, at) => rows[at % 4][at >> 2]);
  const strided = softmaxOver({ shape: [1, 4, 4], data: columns }, 1);
  await assertOpMatchesReference(backend, strided, {
    ...stridedTolerances(strided),
    y: roundings(16 + 5 * 2 + 2),
  });
});
