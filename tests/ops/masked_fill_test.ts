import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { maskedFill } from "../../lib/ops/masked_fill.ts";
import { forEachBackend } from "../harness/backends.ts";
import { type OpCase, type OpInput, runOp } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

const VALUE = -1.7;

function maskedFillOf(x: OpInput, mask: OpInput, value = VALUE): OpCase {
  return {
    label: `maskedFill of (${x.shape}), mask (${mask.shape})`,
    inputs: { x, mask },
    build: (graph, { x, mask }) => maskedFill(graph, x, mask, value),
    // Where everything is filled the gradient is 0, in which no error of 0.05 % can be seen.
    cancels: mask.data.every((number) => number !== 0),
  };
}

testOp({
  name: "maskedFill",
  makeCase: ([repeats, maskSize]) => {
    const random = new Random(repeats + 1000 * maskSize);
    const n = repeats * maskSize;
    return maskedFillOf(
      { shape: [repeats, maskSize], data: random.normal(n) },
      { shape: [maskSize], data: random.integers(maskSize, 3) },
    );
  },
  // The value is rounded; all else is moved.
  tolerances: () => ({ y: roundings(1), d_x: {} }),
  differentiate: [[1, 1], [2, 1], [1, 7], [3, 5], [2, 4]],
  // Masks of one element, shorter than a vector, and of as many elements as x; around cache lines, which workers share.
  compare: [
    [1, 1],
    [67, 1],
    [13, 2],
    [31, 3],
    [33, 4],
    [9, 5],
    [1, 7],
    [8, 8],
    [7, 15],
    [7, 17],
    [3, 63],
    [3, 1025],
    [5, 1028],
    [1, 66_047],
    [1, 66_048],
    [257, 261],
    [259, 260],
    [16_411, 5],
  ],
  accumulate: [[1, 1], [3, 7], [31, 33], [5, 1028]],
  repeat: [97, 103],
});

forEachBackend("maskedFill fills where the mask is not 0, whatever it is", async (backend) => {
  const mask = Uint32Array.of(0, 1, 2, 255, 256, 65_536, 0x7fc00000, 0x80000000, 0xffffffff);
  const x = new Random(3).normal(2 * mask.length);
  const { y, d_x } = await runOp(backend, {
    ...maskedFillOf({ shape: [2, 9], data: x }, { shape: [9], data: mask }, -0.5),
    dY: x,
  });
  assertEquals([...y], [...x].map((number, i) => i % 9 === 0 ? number : -0.5));
  assertEquals([...d_x], [...x].map((number, i) => i % 9 === 0 ? number : 0));
});

forEachBackend("maskedFill repeats a mask over the dimensions before its own", async (backend) => {
  // What a causal mask hides of scores (2, 3, 4, 4): keys after the query.
  const causal = Uint32Array.from({ length: 16 }, (_, i) => i % 4 > Math.floor(i / 4) ? 1 : 0);
  const x = new Random(4).normal(96);
  const { y } = await runOp(
    backend,
    maskedFillOf({ shape: [2, 3, 4, 4], data: x }, { shape: [4, 4], data: causal }, -1024),
  );
  assertEquals([...y], [...x].map((number, i) => i % 4 > Math.floor(i / 4) % 4 ? -1024 : number));
});

Deno.test("maskedFill refuses a value that its output cannot hold", () => {
  const mask = new Tensor("mask", [3], { dtype: "u32" });
  const half = new Tensor("x", [2, 3], { dtype: "f16" });
  for (const value of [NaN, -Infinity, -1e30, 65_520]) {
    const problem = `Cannot apply maskedFill: got value ${value} for x (2, 3) of type f16, must be`;
    assertThrows(() => maskedFill(new Graph(), half, mask, value), RangeError, problem);
  }
  assertEquals(maskedFill(new Graph(), half, mask, -65_504).dtype, "f16");
  assertEquals(maskedFill(new Graph({ precision: "f16" }), new Tensor("x", [3]), mask, -1e30).dtype, "f32");
});
