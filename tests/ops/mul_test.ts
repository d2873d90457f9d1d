import { assertEquals } from "@std/assert";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { mul } from "../../lib/ops/mul.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { assertOpDifferentiates } from "../harness/gradient_check.ts";
import { type OpCase, runOp, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

testOp({
  name: "mul",
  makeCase: (n: number) => {
    const random = new Random(n);
    return {
      label: `mul (${n})`,
      inputs: { a: { shape: [n], data: random.normal(n) }, b: { shape: [n], data: random.normal(n) } },
      build: (graph, { a, b }) => mul(graph, a, b),
    };
  },
  // One multiplication each.
  tolerances: () => ({ y: roundings(1), d_a: roundings(1), d_b: roundings(1) }),
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 1023, 1025, 66_047, 66_048],
  accumulate: [1, 7, 1025, 1028],
  repeat: 10_007,
});

function squareOf(n: number): OpCase {
  return {
    label: `mul of (${n}) by itself`,
    inputs: { x: { shape: [n], data: new Random(n).normal(n) } },
    build: (graph, { x }) => mul(graph, x, x),
  };
}

Deno.test("mul of a tensor by itself: the backward rule is the derivative of the forward pass", async () => {
  for (const n of [1, 7]) await assertOpDifferentiates(squareOf(n));
});

forEachBackend("mul of a tensor by itself has the gradient 2 x dY", async (backend) => {
  for (const n of [1, 4, 1025]) {
    const op = squareOf(n);
    const { y, d_x } = await runOp(backend, op);
    const x = Float64Array.from(op.inputs.x.data);
    const dY = upstreamOf(op, n);
    assertClose(y, x.map((value) => value * value), roundings(1), op.label);
    // A product, to which the same product is added.
    assertClose(d_x, x.map((value, i) => 2 * value * dY[i]), roundings(2), op.label);
  }
});

Deno.test("mul computes no gradient that nobody wants", () => {
  for (const wanted of [[true, false], [false, true], [true, true]]) {
    const graph = new Graph();
    const [a, b] = wanted.map((requiresGrad, i) => graph.input("ab"[i], [3], { requiresGrad }));
    const gradients = backward(graph, mul(graph, a, b), new Tensor("dY", [3]));
    assertEquals(graph.calls.length, 1 + wanted.filter(Boolean).length);
    assertEquals([a, b].map((x) => gradients.of(x) !== undefined), wanted);
  }
});

Deno.test("mul is in the graph's precision", () => {
  const x = new Tensor("x", [3]);
  assertEquals(mul(new Graph(), x, x).dtype, "f32");
  assertEquals(mul(new Graph({ precision: "f16" }), x, x).dtype, "f16");
});
