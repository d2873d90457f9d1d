import { swiglu } from "../../lib/ops/swiglu.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest, roundings } from "../harness/tolerance.ts";

function swigluOf(gate: OpInput, up: OpInput): OpCase {
  return {
    label: `swiglu (${gate.shape})`,
    inputs: { gate, up },
    build: (graph, { gate, up }) => swiglu(graph, gate, up),
  };
}

testOp({
  name: "swiglu",
  makeCase: (n: number) => {
    const random = new Random(n);
    return swigluOf({ shape: [n], data: random.normal(n, 3) }, { shape: [n], data: random.normal(n) });
  },
  // As in silu_test.ts, with one or two products more; dGate cancels near gate = −1.28.
  tolerances: (op) => {
    const { gate, up } = op.inputs;
    const count = 2 * (3 + 2 * Math.min(largest(gate.data), 16)) + 14;
    const dY = upstreamOf(op, gate.data.length);
    return {
      y: roundings(count),
      d_gate: {
        absolute: count * UNIT_ROUNDOFF * largest(dY) * largest(up.data) / 4,
        relative: count * UNIT_ROUNDOFF,
      },
      d_up: roundings(count),
    };
  },
  fixture: () => {
    const { floats, shape } = loadFixture("swiglu");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...swigluOf(input("gate"), input("up")), dY: floats("dy") },
      expected: { y: floats("y"), d_gate: floats("d_gate"), d_up: floats("d_up") },
    };
  },
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047, 66_048],
  accumulate: [7, 1025, 1028],
  repeat: 10_007,
});
