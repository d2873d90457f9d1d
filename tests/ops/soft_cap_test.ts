import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { add } from "../../lib/ops/add.ts";
import { isSoftCap, softCap } from "../../lib/ops/soft_cap.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { assertOpDifferentiates } from "../harness/gradient_check.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  type OpCase,
  runOp,
  upstreamOf,
} from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

const CAP = 1.7;

function softCapOf(data: Float32Array, cap = CAP): OpCase {
  return {
    label: `softCap (${data.length}) at ${cap}`,
    inputs: { x: { shape: [data.length], data } },
    build: (graph, { x }) => softCap(graph, x, cap),
  };
}

/**
 * The quotient has a rounding (2.5 in WGSL), of which tanh keeps at most as much, relatively. Near 0 its polynomial adds a
 * few; further out e^(−2u) is off by 3 + 4u units there, of which tanh feels 2e / (1 − e²) ≤ 0.63 at u = 0.625, and less
 * and less. The slope feels it as tanh(u) ≤ 1 times that, but where u is large it is itself as small as e.
 */
function tolerances(op: OpCase) {
  const dY = upstreamOf(op, op.inputs.x.data.length);
  return {
    y: { absolute: 2 ** -126, relative: 16 * UNIT_ROUNDOFF },
    d_x: { absolute: 16 * UNIT_ROUNDOFF * largest(dY), relative: 0 },
  };
}

testOp({
  name: "softCap",
  makeCase: (n: number) => softCapOf(new Random(n).normal(n, 2)),
  tolerances,
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047, 66_048],
  accumulate: [7, 1025, 1028],
  repeat: 10_007,
});

/** The same of a tensor that an op made, so that the gradient may take its place. */
function inPlaceOf(n: number): OpCase {
  const op = softCapOf(new Random(n).normal(n, 2));
  return {
    ...op,
    label: `${op.label} in place`,
    inputs: { ...op.inputs, zeros: { shape: [n], data: new Float32Array(n), constant: true } },
    build: (graph, { x, zeros }) => softCap(graph, add(graph, x, zeros), CAP, { overwriteInput: true }),
  };
}

Deno.test("softCap in place: the backward rule is the derivative of the forward pass", async () => {
  for (const n of [1, 7]) await assertOpDifferentiates(inPlaceOf(n));
});

forEachDevice("softCap in place equals the reference at sizes 1, primes, and around tiles", async (backend) => {
  for (const n of [1, 2, 3, 4, 5, 63, 65, 127, 129, 1025, 1028, 66_047]) {
    const op = inPlaceOf(n);
    await assertOpMatchesReference(backend, op, tolerances(op));
  }
  for (const n of [7, 1028]) {
    const op = inPlaceOf(n);
    await assertOpAccumulates(backend, op, tolerances(op));
  }
  await assertOpIsDeterministic(backend, inPlaceOf(10_007));
});

forEachDevice("softCap is right to a few roundings near 0, at its seam, and far beyond the cap", async (backend) => {
  // Around |x / cap| = 0.625, where two formulas meet, and where x² vanishes or overflows.
  const ends = [1e-30, 1e-20, 1e-5, 0.01, 0.3, 0.6, 0.6249, 0.625, 0.6251, 0.7, 1, 3, 8, 9, 20, 90, 1e5, 1e20, 1e30];
  for (const cap of [0.5, 30, 1e-3, 1e4]) {
    const data = Float32Array.from([0, ...ends, ...ends.map((end) => -end)], (u) => Math.fround(u * cap));
    const op = softCapOf(data, cap);
    await assertOpMatchesReference(backend, op, tolerances(op));
  }
  // Wherever between.
  const dense = softCapOf(Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 500), 1);
  await assertOpMatchesReference(backend, dense, tolerances(dense));
});

forEachDevice("softCap is odd, within ±cap, and keeps NaN", async (backend) => {
  const half = new Random(9).normal(501, 40);
  const data = Float32Array.of(...half, ...half.map((x) => -x), 1e38, -1e38, 0);
  const { y } = await runOp(backend, softCapOf(data, 30));
  assertEquals(y.slice(0, 501), y.slice(501, 1002).map((value) => -value));
  assertEquals([y[1002], y[1003], y[1004]], [30, -30, 0]);
  if (backend.name === "webgpu") return;
  // WGSL lets a device assume that there is none.
  const { y: spoilt } = await runOp(backend, softCapOf(Float32Array.of(1, NaN, 2), 30));
  assertEquals([...spoilt].map(Number.isNaN), [false, true, false]);
});

Deno.test("softCap does not overwrite what another op takes", () => {
  const graph = new Graph();
  const x = add(graph, graph.input("x", [3], { requiresGrad: true }), graph.input("z", [3]));
  const y = add(graph, softCap(graph, x, 2, { overwriteInput: true }), x);
  assertThrows(
    () => backward(graph, y, graph.input("dY", [3])),
    Error,
    "got softCap and add that take it, must be one op",
  );
});

Deno.test("softCap refuses a cap that is no number above 0 or not finite", () => {
  for (const cap of [0, -1, NaN, Infinity, 1e-30, 1e30]) {
    const graph = new Graph();
    assertThrows(
      () => softCap(graph, graph.input("x", [3]), cap),
      OptionError,
      `Cannot apply softCap: got cap ${cap}, must be a number above 0, from 1e-18 to 1e18`,
    );
  }
  assertEquals([30, "30", undefined, 1e-18].map(isSoftCap), [true, false, false, true]);
});
