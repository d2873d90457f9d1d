import { geglu } from "../../lib/ops/gelu.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

function gegluOf(gate: OpInput, up: OpInput): OpCase {
  return {
    label: `geglu (${gate.shape})`,
    inputs: { gate, up },
    build: (graph, { gate, up }) => geglu(graph, gate, up),
  };
}

testOp({
  name: "geglu",
  makeCase: (n: number) => {
    const random = new Random(n);
    return gegluOf({ shape: [n], data: random.normal(n, 2) }, { shape: [n], data: random.normal(n) });
  },
  // As in gelu_test.ts, times up or dY.
  tolerances: (op) => {
    const { gate, up } = op.inputs;
    const error = 24 * UNIT_ROUNDOFF;
    const dY = upstreamOf(op, gate.data.length);
    return {
      y: { absolute: error * largest(up.data), relative: error },
      d_gate: { absolute: 2 * error * largest(dY) * largest(up.data) / 2, relative: error },
      d_up: { absolute: error * largest(dY), relative: error },
    };
  },
  fixture: () => {
    const { floats, shape } = loadFixture("geglu");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...gegluOf(input("gate"), input("up")), dY: floats("dy") },
      expected: { y: floats("y"), d_gate: floats("d_gate"), d_up: floats("d_up") },
    };
  },
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047],
  accumulate: [7, 1025, 1028],
  repeat: 10_007,
});
