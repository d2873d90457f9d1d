import { assert } from "@std/assert";
import { reluSquared } from "../../lib/ops/relu_squared.ts";
import { forEachDevice } from "../harness/backends.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, runOp } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

function reluSquaredOf(x: OpInput): OpCase {
  return { label: `relu squared (${x.shape})`, inputs: { x }, build: (graph, { x }) => reluSquared(graph, x) };
}

/** One product each: doubling is exact. The second rounding is the reference's own, to float32. */
const tolerances = () => ({ y: roundings(2), d_x: roundings(2) });

testOp({
  name: "relu squared",
  makeCase: (n: number) => reluSquaredOf({ shape: [n], data: new Random(n).normal(n, 3) }),
  tolerances,
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047, 66_048],
  accumulate: [7, 1025, 1028],
  repeat: 10_007,
});

forEachDevice("relu squared is 0 below 0, with no slope, and right at both ends", async (backend) => {
  // Largest first: its square is just below the largest float32.
  const data = Float32Array.of(1.8e19, 1, 2 ** -60, 0, -0, -(2 ** -60), -1, -1.8e19, -3e38, -Infinity);
  await assertOpMatchesReference(backend, reluSquaredOf({ shape: [data.length], data }), tolerances());
});

forEachDevice("relu squared keeps NaN, so that a training that breaks is noticed", async (backend) => {
  const { y, d_x } = await runOp(backend, reluSquaredOf({ shape: [5], data: Float32Array.of(NaN, 1, -1, 2, NaN) }));
  for (const i of [0, 4]) assert(Number.isNaN(y[i]) && Number.isNaN(d_x[i]), `element ${i}: ${y[i]}, ${d_x[i]}`);
});
