import { layernorm } from "../../lib/ops/layernorm.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, largest, rms } from "../harness/tolerance.ts";

const EPS = 1e-5;

function layernormOf(x: OpInput, weight: OpInput, bias: OpInput): OpCase {
  return {
    label: `layernorm (${x.shape})`,
    inputs: { x, weight, bias },
    build: (graph, { x, weight, bias }) => layernorm(graph, x, weight, bias, EPS),
    // One element is its own mean, and two are ±1 whatever they are: their gradients are eps, divided by much.
    cancels: x.shape.at(-1)! <= 2,
  };
}

/** The largest 1 / √(variance + eps) of any row, and the largest normed number. */
function scalesOf({ data, shape }: OpInput): { readonly rstd: number; readonly normed: number } {
  const D = shape.at(-1)!;
  let [largestRstd, normed] = [0, 0];
  for (let row = 0; row < data.length; row += D) {
    const values = Float64Array.from(data.subarray(row, row + D));
    const mean = values.reduce((sum, x) => sum + x, 0) / D;
    const rstd = 1 / Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / D + EPS);
    largestRstd = Math.max(largestRstd, rstd);
    normed = Math.max(normed, largest(values.map((x) => (x - mean) * rstd)));
  }
  return { rstd: largestRstd, normed };
}

/**
 * A sum of D numbers is off by about D · rms roundings, halved: the mean by a few roundings of rms. So are the normed
 * numbers, times rstd, beside the √D + 12 roundings of rstd itself (see rmsnorm_test.ts). dX is the difference of three
 * terms as large as rstd · dY · weight: the last is a normed number times a mean of D products, about 1 / √D of that.
 */
function tolerances(op: OpCase) {
  const { x, weight, bias } = op.inputs;
  const D = weight.data.length;
  const rows = x.data.length / D;
  const dY = upstreamOf(op, x.data.length);
  const count = Math.sqrt(D) + 12;
  const { rstd, normed } = scalesOf(x);
  const error = UNIT_ROUNDOFF * (count * normed + 8 * rms(x.data) * rstd);
  const gradient = rstd * largest(dY) * largest(weight.data);
  const sum = dotTolerance(rows, dY, Float64Array.of(normed));
  return {
    y: { absolute: error * largest(weight.data) + 2 * UNIT_ROUNDOFF * largest(bias.data), relative: 4 * UNIT_ROUNDOFF },
    d_x: { absolute: gradient * (3 * count * UNIT_ROUNDOFF + 4 * error / Math.sqrt(D)), relative: 0 },
    d_weight: { ...sum, absolute: sum.absolute! + error * Math.sqrt(rows) * largest(dY) },
    d_bias: dotTolerance(rows, dY, Float64Array.of(1)),
  };
}

testOp({
  name: "layernorm",
  makeCase: ([rows, D]) => {
    const random = new Random(rows + 1000 * D);
    return layernormOf(
      { shape: [rows, D], data: random.normal(rows * D, 3) },
      { shape: [D], data: random.normal(D) },
      { shape: [D], data: random.normal(D) },
    );
  },
  tolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("layernorm");
    const input = (name: string) => ({ shape: shape(name), data: floats(name) });
    return {
      op: { ...layernormOf(input("x"), input("weight"), input("bias")), dY: floats("dy") },
      expected: { y: floats("y"), d_x: floats("d_x"), d_weight: floats("d_weight"), d_bias: floats("d_bias") },
    };
  },
  differentiate: [[1, 3], [1, 4], [5, 3], [70, 4]],
  // As for rmsnorm: rows around the 64 partial sums, and rows of 4, 8 and 256 invocations, and longer ones.
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
    [129, 33],
    [11, 63],
    [11, 64],
    [11, 65],
    [5, 127],
    [5, 129],
    [9, 132],
    [3, 1031],
    [33, 16],
    [31, 36],
    [3, 4096],
    [2, 4100],
    [1, 5003],
    [1031, 68],
    [4099, 12],
  ],
  accumulate: [[5, 7], [131, 65], [521, 68]],
  repeat: [1031, 68],
  hasHardwareKernels: true,
});

forEachDevice("layernorm of rows of one number is its bias, and of tiny and huge rows is right", async (backend) => {
  const random = new Random(8);
  const D = 8;
  const vector = () => ({ shape: [D], data: random.normal(D) });
  const [weight, bias] = [vector(), vector()];
  for (const scale of [0, 1e-3, 1e15]) {
    const data = random.normal(D).map((x) => scale === 0 ? 0.375 : scale * x);
    const op = layernormOf({ shape: [1, D], data }, weight, bias);
    // A row of one number has only the gradients of weight 0, and those of x are differences of large ones.
    await assertOpMatchesReference(backend, { ...op, cancels: scale === 0 }, tolerances(op));
  }
});
