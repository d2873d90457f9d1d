import { loadFixture } from "../harness/fixtures.ts";
import { linearOf, linearTolerances, randomLinear, randomLinearWithBias } from "../harness/linear_case.ts";
import { testOp } from "../harness/test_op.ts";

testOp({
  name: "linear",
  makeCase: randomLinear,
  tolerances: linearTolerances,
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
    [33, 1031, 31],
    [7, 5, 2111],
    [601, 3, 599],
  ],
  accumulate: [[5, 9, 7], [65, 33, 130], [1031, 33, 17]],
  repeat: [129, 67, 65],
});

testOp({
  name: "linear with a bias",
  makeCase: randomLinearWithBias,
  tolerances: linearTolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("linear_bias");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...linearOf(input("x"), input("weight"), input("bias")), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x"), d_weight: floats("d_weight"), d_bias: floats("d_bias") },
    };
  },
  differentiate: [[1, 1, 1], [3, 5, 4]],
  // Around vectors, around the lines that workers take, and with a bias's gradient in one part and in several.
  compare: [[1, 1, 1], [1, 3, 5], [7, 1, 2], [3, 4, 8], [13, 17, 15], [31, 33, 17], [2051, 2, 3], [65, 7, 1031]],
  accumulate: [[5, 9, 7], [65, 33, 130], [2051, 5, 4]],
  repeat: [129, 67, 65],
});
