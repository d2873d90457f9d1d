import { assert, assertEquals } from "@std/assert";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { sub } from "../../lib/ops/sub.ts";
import { forEachBackend } from "../harness/backends.ts";
import { runOp } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

testOp({
  name: "sub",
  makeCase: (n: number) => {
    const random = new Random(n);
    return {
      label: `sub (${n})`,
      inputs: { a: { shape: [n], data: random.normal(n) }, b: { shape: [n], data: random.normal(n) } },
      build: (graph, { a, b }) => sub(graph, a, b),
    };
  },
  // One subtraction; the gradients are dY and −dY, to the bit.
  tolerances: () => ({ y: roundings(1), d_a: {}, d_b: {} }),
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 1023, 1025, 66_047, 66_048],
  accumulate: [1, 7, 1025, 1028],
  repeat: 10_007,
});

forEachBackend("sub of a tensor from itself is 0, and so is its gradient", async (backend) => {
  const { y, d_x } = await runOp(backend, {
    label: "sub of (1025) from itself",
    inputs: { x: { shape: [1025], data: new Random(5).normal(1025) } },
    build: (graph, { x }) => sub(graph, x, x),
  });
  assert(y.every((value) => value === 0) && d_x.every((value) => value === 0));
});

Deno.test("sub computes no gradient that nobody wants", () => {
  // Of `a` it is what flows in: no kernel runs.
  for (const [wantsA, wantsB, calls] of [[true, false, 1], [false, true, 2], [true, true, 2]] as const) {
    const graph = new Graph();
    const a = graph.input("a", [3], { requiresGrad: wantsA });
    const b = graph.input("b", [3], { requiresGrad: wantsB });
    const gradients = backward(graph, sub(graph, a, b), new Tensor("dY", [3]));
    assertEquals(graph.calls.length, calls);
    assertEquals([a, b].map((x) => gradients.of(x) !== undefined), [wantsA, wantsB]);
  }
});
