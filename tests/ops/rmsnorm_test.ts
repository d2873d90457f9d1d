import { rmsnorm } from "../../lib/ops/rmsnorm.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, largest, roundings } from "../harness/tolerance.ts";

const EPS = 1e-5;

function rmsnormOf(x: OpInput, weight: OpInput): OpCase {
  return {
    label: `rmsnorm (${x.shape})`,
    inputs: { x, weight },
    build: (graph, { x, weight }) => rmsnorm(graph, x, weight, EPS),
    // With one element, x · rstd is ±1 whatever x is: its gradient is eps, divided by much.
    cancels: x.shape.at(-1) === 1,
  };
}

/** 1 / √(mean square), the largest of any row. */
function largestRstd({ data, shape }: OpInput): number {
  const D = shape.at(-1)!;
  let max = 0;
  for (let row = 0; row < data.length; row += D) {
    let squares = 0;
    for (let i = row; i < row + D; i++) squares += data[i] ** 2;
    max = Math.max(max, 1 / Math.sqrt(squares / D + EPS));
  }
  return max;
}

/**
 * rstd: a sum of D squares (a random walk of roundings, √D), halved by the root; 2 units each for WGSL's inverse root
 * and division: about √D + 8 roundings. y and dW multiply with it; dX is the difference of two terms, each of at most
 * |dY · weight| · rstd · √D for one large element in a row.
 */
function tolerances(op: OpCase) {
  const { x, weight } = op.inputs;
  const D = weight.data.length;
  const rows = x.data.length / D;
  const dY = upstreamOf(op, x.data.length);
  const count = Math.sqrt(D) + 12;
  const normalized = Float64Array.of(Math.min(Math.sqrt(D), largest(x.data) * largestRstd(x)));
  const sum = dotTolerance(rows, dY, normalized);
  return {
    y: roundings(count),
    d_x: { absolute: count * UNIT_ROUNDOFF * largest(dY) * largest(weight.data) * largestRstd(x), relative: 0 },
    d_weight: { ...sum, absolute: sum.absolute! + count * UNIT_ROUNDOFF * Math.sqrt(rows) * largest(dY) },
  };
}

testOp({
  name: "rmsnorm",
  makeCase: ([rows, D]) => {
    const random = new Random(rows + 1000 * D);
    return rmsnormOf(
      { shape: [rows, D], data: random.normal(rows * D, 3) },
      { shape: [D], data: random.normal(D) },
    );
  },
  tolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("rmsnorm");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...rmsnormOf(input("x"), input("weight")), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x"), d_weight: floats("d_weight") },
    };
  },
  differentiate: [[1, 2], [1, 4], [5, 3], [70, 2]],
  // Rows around the 64 partial sums of the weight's gradient; the last has more than 65,535 rows.
  compare: [
    [1, 1],
    [3, 1],
    [1, 2],
    [2, 3],
    [7, 4],
    [5, 5],
    [63, 7],
    [64, 8],
    [65, 9],
    [3, 31],
    [129, 33],
    [11, 63],
    [11, 64],
    [11, 65],
    [5, 127],
    [5, 129],
    [17, 128],
    [9, 132],
    [2, 257],
    [3, 1031],
    // Rows of 4, 8 and 256 invocations, and longer ones, by columns of 1 and of 4 numbers.
    [33, 16],
    [31, 36],
    [3, 4096],
    [2, 4100],
    [2, 5000],
    [1, 5003],
    [65_539, 5],
    // Parts of so many rows that several invocations share them, by columns of 1 and of 4 numbers.
    [515, 67],
    [1031, 68],
    [4099, 12],
  ],
  accumulate: [[5, 7], [131, 65], [521, 68]],
  repeat: [1031, 68],
  hasHardwareKernels: true,
});

forEachDevice("rmsnorm of zeros is zero, and of tiny and huge rows is right", async (backend) => {
  const random = new Random(8);
  const D = 8;
  const data = random.normal(3 * D);
  data.fill(0, 0, D);
  for (let i = 0; i < D; i++) data[D + i] *= 1e-3;
  for (let i = 0; i < D; i++) data[2 * D + i] *= 1e15;
  const op = rmsnormOf({ shape: [3, D], data }, { shape: [D], data: random.normal(D) });
  await assertOpMatchesReference(backend, op, tolerances(op));
});
