import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireSameShape } from "./shapes.ts";

/** y (+)= a · b, elementwise over n. Its backward rule calls it too: dA (+)= dY · b, dB (+)= dY · a. */
export const mulForward = defineKernel({
  name: "mul_forward",
  inputs: ["a", "b"],
  outputs: ["y"],
  constants: { n: "u32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["a", "b", "y"],
  sizes: ({ n }) => ({ a: n, b: n, y: n }),
  flops: ({ n, accumulate }) => otherFlops((1 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 0 } })),
});

/**
 * The elementwise product of two tensors of one shape, such as a gate and what it lets through. `a` and `b` may be one
 * tensor, whose square it then is.
 *
 * @returns The same shape, in the graph's precision.
 * @throws {RangeError} If the shapes differ.
 * @throws {TypeError} If one of them is of type u32.
 */
export function mul(graph: Graph, a: Tensor, b: Tensor): Tensor {
  requireSameShape("mul", a, b);
  const n = a.size;
  const y = graph.activation(`mul(${a.name}, ${b.name})`, a.shape);
  graph.call(mulForward, { inputs: { a, b }, outputs: { y }, constants: { n, accumulate: 0 } });
  return graph.record({
    op: "mul",
    inputs: [a, b],
    output: y,
    backward: (dY, gradients) => {
      for (const [x, other] of [[a, b], [b, a]]) {
        if (!gradients.wants(x)) continue;
        const { target, accumulate } = gradients.into(x);
        graph.call(mulForward, { inputs: { a: dY, b: other }, outputs: { y: target }, constants: { n, accumulate } });
      }
    },
  });
}
