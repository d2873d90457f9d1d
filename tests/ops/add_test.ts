import { add } from "../../lib/ops/add.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

testOp({
  name: "add",
  makeCase: (n: number) => {
    const random = new Random(n);
    return {
      label: `add (${n})`,
      inputs: { a: { shape: [n], data: random.normal(n) }, b: { shape: [n], data: random.normal(n) } },
      build: (graph, { a, b }) => add(graph, a, b),
    };
  },
  // One addition; one more where a gradient is added to. The gradients themselves are copies.
  tolerances: () => ({ y: roundings(1), d_a: roundings(1), d_b: roundings(1) }),
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 1023, 1025, 66_047, 66_048],
  accumulate: [1, 7, 1025, 1028],
  repeat: 10_007,
});
