import { assert, assertEquals, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { type Dimensions, rangeOf, spanOf } from "../../lib/ops/dimensions.ts";
import { mean, type ReductionOptions, sum } from "../../lib/ops/sum.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice, forHardwareKernels } from "../harness/backends.ts";
import { type OpCase, runOp, type Tolerances } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest, roundings } from "../harness/tolerance.ts";
import type { Backend } from "../../lib/backend/backend.ts";

type Sizes = readonly [shape: readonly number[], dim?: Dimensions, options?: ReductionOptions];

/** Additions that a term goes through at most: in a block or a lane, between them, and between the parts of a sum. */
const MOST_ADDITIONS = 320;

/** How many terms a sum has, by the case. */
const lengths = new WeakMap<OpCase, number>();

function makeCase(op: typeof sum, [shape, dim, options]: Sizes): OpCase {
  const size = shape.reduce((product, n) => product * n, 1);
  const { length } = spanOf(shape, rangeOf(op.name, new Tensor("x", shape), dim));
  const made: OpCase = {
    label: `${op.name} of (${shape}) over ${dim ?? "all"}`,
    // Around 1, so that sums do not cancel.
    inputs: { x: { shape, data: new Random(size + 7 * length).normal(size).map((value) => 1 + value) } },
    build: (graph, { x }) => op(graph, x, dim, options),
  };
  lengths.set(made, length);
  return made;
}

/**
 * Each addition on a term's way rounds a partial sum, which is no larger than the sum of absolute values: at most about
 * length · (1 + 4) of what is drawn here, and the roundings of c additions behave as a random walk, of which four standard
 * deviations hold. The factor of a mean is rounded, and so is the product by it.
 */
function tolerances(op: OpCase): Tolerances {
  const length = lengths.get(op)!;
  const factor = op.label.startsWith("mean") ? 1 / length : 1;
  const additions = Math.min(length, MOST_ADDITIONS);
  const sizes = Float64Array.from(op.inputs.x.data, Math.abs).reduce((total, value) => total + value, 0);
  // Of one sum on average, and of one large term where sums are short.
  const average = sizes / (op.inputs.x.data.length / length) + largest(op.inputs.x.data);
  return {
    y: { absolute: 4 * Math.sqrt(additions) * UNIT_ROUNDOFF * factor * average, relative: 2 * UNIT_ROUNDOFF },
    d_x: roundings(2),
  };
}

for (const op of [sum, mean]) {
  testOp<Sizes>({
    name: op.name,
    makeCase: (sizes) => makeCase(op, sizes),
    tolerances,
    differentiate: [[[1]], [[3, 5]], [[3, 5], 0], [[3, 5], -1, { keepDim: true }], [[2, 3, 4, 5], [1, 2]]],
    // Around vectors, cache lines, lanes of a workgroup, blocks of long sums, and sums in several parts.
    compare: [
      [[1]],
      [[1, 1], 0],
      [[7], 0],
      [[3, 4]],
      [[5, 3], -1],
      [[5, 3], 0],
      [[2, 1, 3], 1],
      [[2, 5, 3], -2, { keepDim: true }],
      [[2, 3, 4, 5], [-2, -3]],
      [[2, 3, 4, 5], [0, 1], { keepDim: true }],
      [[13, 31], 1],
      [[31, 13], 0],
      [[7, 65, 15], 1],
      [[3, 129, 16], 1],
      [[2, 257, 17], 1],
      [[2, 127, 33], 1],
      [[5, 4099], 1],
      [[2047]],
      [[2049]],
      [[3, 2050, 2], 1],
      [[2, 8209, 5], 1],
      [[70_001]],
      [[65_539, 3], 1],
      [[3, 65_539], 0],
    ],
    accumulate: [[[5, 7], 0], [[5, 7], 1], [[3, 67], 1]],
    repeat: [[3, 5003, 7], 1],
    hasHardwareKernels: true,
  });
}

const isAccurate = async (backend: Backend) => {
  // Added one by one, a million tenths come to a hundred thousand and a thousand more.
  const data = new Float32Array(1_000_003).fill(0.1);
  const expected = data.length * data[0];
  for (const shape of [[1, data.length, 1], [1, data.length], [1, data.length / 7 | 0, 7]]) {
    const size = shape.reduce((product, n) => product * n, 1);
    const { y } = await runOp(backend, {
      label: `${shape}`,
      inputs: { x: { shape, data: data.subarray(0, size) } },
      build: (graph, { x }) => sum(graph, x, 1),
    });
    const exact = expected * (size / data.length) / y.length;
    const error = Math.abs(y[0] - exact) / exact;
    assert(error <= MOST_ADDITIONS * UNIT_ROUNDOFF, `(${shape}): off by ${error} of ${exact}`);
  }
};
forEachDevice("a sum of a million terms is accurate", isAccurate);
forHardwareKernels("a sum of a million terms is accurate", isAccurate);

Deno.test("a sum gives the same bits for any number of workers", async () => {
  for (const sizes of [[[100_003]], [[3, 5003, 37], 1], [[501, 97], 1]] as const) {
    const [first, ...others] = await Promise.all([1, 2, 3].map(async (workers) => {
      await using backend = await createWasmBackend({ workers });
      return await runOp(backend, makeCase(sum, sizes));
    }));
    for (const other of others) assertEquals(other, first);
  }
});

Deno.test("a sum's shape lacks what was summed over, or keeps it with size 1", () => {
  const x = new Tensor("x", [2, 3, 4]);
  const shapeOf = (dim?: Dimensions, options?: ReductionOptions) => sum(new Graph(), x, dim, options).shape;
  assertEquals(shapeOf(), [1]);
  assertEquals(shapeOf(undefined, { keepDim: true }), [1, 1, 1]);
  assertEquals(shapeOf(1), [2, 4]);
  assertEquals(shapeOf(-1), [2, 3]);
  assertEquals(shapeOf([2, 1]), [2]);
  assertEquals(shapeOf([0, 1], { keepDim: true }), [1, 1, 4]);
  assertEquals(shapeOf([0, 1, 2]), [1]);
});

Deno.test("sum and mean refuse dimensions that are not there, or not side by side", () => {
  const x = new Tensor("x", [2, 3, 4]);
  for (const op of [sum, mean]) {
    for (const dim of [3, -4, 0.5, NaN, [0, 3]]) {
      const message = `must be a whole number from -3 to 2`;
      assertThrows(() => op(new Graph(), x, dim), RangeError, message, String(dim));
    }
    for (const dim of [[], [0, 2], [1, 1], [0, -3]]) {
      assertThrows(() => op(new Graph(), x, dim), RangeError, `Cannot apply ${op.name}: got dimensions`, String(dim));
    }
  }
});
