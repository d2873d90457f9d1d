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
});
