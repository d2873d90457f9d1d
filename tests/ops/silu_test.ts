import { silu } from "../../lib/ops/silu.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest, roundings } from "../harness/tolerance.ts";

function siluOf(x: OpInput): OpCase {
  return { label: `silu (${x.shape})`, inputs: { x }, build: (graph, { x }) => silu(graph, x) };
}

/**
 * WGSL lets exp(x) be off by 3 + 2|x| units in the last place and a division by 2.5, a unit being two roundings; what
 * the error of exp(−x) does to σ(x) is at most that. The derivative is the sum of two such terms, which cancel near
 * x = −1.28, so its error is relative to the upstream gradient.
 */
function tolerances(op: OpCase) {
  const { data } = op.inputs.x;
  const count = 2 * (3 + 2 * Math.min(largest(data), 16)) + 10;
  const dY = upstreamOf(op, data.length);
  return {
    y: roundings(count),
    d_x: { absolute: count * UNIT_ROUNDOFF * largest(dY), relative: count * UNIT_ROUNDOFF },
  };
}

testOp({
  name: "silu",
  makeCase: (n: number) => siluOf({ shape: [n], data: new Random(n).normal(n, 3) }),
  tolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("silu");
    return {
      op: { ...siluOf({ shape: shape("x"), data: floats("x") }), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x") },
    };
  },
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047, 66_048],
  accumulate: [7, 1025, 1028],
  repeat: 10_007,
});

forEachDevice("silu is finite and right where its exponential overflows", async (backend) => {
  const data = Float32Array.of(-1e30, -1000, -100, -89, -88, -87, -20, 0, -0, 20, 87, 88, 89, 100, 1000, 1e30);
  const op = siluOf({ shape: [data.length], data });
  const { d_x } = tolerances(op);
  // e⁻⁸⁷ has an error of 3 + 2·87 units; and 1 / (1 + e⁸⁸) is subnormal, which a device may take for 0.
  const y = { ...roundings(2 * (3 + 2 * 87) + 10), absolute: 128 * 2 ** -126 };
  await assertOpMatchesReference(backend, op, { y, d_x });
});
