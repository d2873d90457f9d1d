import { linear } from "../../lib/ops/linear.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance } from "../harness/tolerance.ts";

function linearOf(x: OpInput, weight: OpInput): OpCase {
  return {
    label: `linear (${x.shape}) · (${weight.shape})ᵀ`,
    inputs: { x, weight },
    build: (graph, { x, weight }) => linear(graph, x, weight),
  };
}

testOp({
  name: "linear",
  makeCase: ([rows, I, O]) => {
    const random = new Random(rows + 1000 * I + 1000003 * O);
    return linearOf(
      { shape: [rows, I], data: random.normal(rows * I) },
      { shape: [O, I], data: random.normal(O * I) },
    );
  },
  // Each result is a dot product: over I for y, over O for dX, over the rows for dW.
  tolerances: (op) => {
    const { x, weight } = op.inputs;
    const [O, I] = weight.shape;
    const rows = x.data.length / I;
    const dY = upstreamOf(op, rows * O);
    return {
      y: dotTolerance(I, x.data, weight.data),
      d_x: dotTolerance(O, dY, weight.data),
      d_weight: dotTolerance(rows, dY, x.data),
    };
  },
  fixture: () => {
    const { floats, shape } = loadFixture("linear");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...linearOf(input("x"), input("weight")), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x"), d_weight: floats("d_weight") },
    };
  },
  differentiate: [[1, 1, 1], [3, 5, 4], [7, 2, 9]],
  compare: [
    [1, 1, 1],
    [1, 3, 5],
    [7, 1, 2],
    [3, 4, 8],
    [5, 9, 7],
    [13, 17, 11],
    [15, 16, 17],
    [31, 33, 32],
    [1, 257, 129],
    [63, 64, 65],
    [65, 63, 64],
    [127, 31, 128],
    [129, 128, 33],
    [257, 5, 131],
  ],
  accumulate: [[5, 9, 7], [65, 33, 130]],
  repeat: [129, 67, 65],
});
