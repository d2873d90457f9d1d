import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { scaleKernel } from "./scale.ts";
import { requireSameShape } from "./shapes.ts";

/** y = a − b, elementwise over n. The gradient of a is dY itself, that of b is scale's kernel with factor −1. */
export const subForward = defineKernel({
  name: "sub_forward",
  inputs: ["a", "b"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["b"],
  sizes: ({ n }) => ({ a: n, b: n, y: n }),
  flops: ({ n }) => otherFlops(n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/**
 * The elementwise difference a − b of two tensors of one shape: the error of a prediction, say.
 *
 * @returns The same shape, in f32, as `add` has it.
 * @throws {RangeError} If the shapes differ.
 * @throws {TypeError} If one of them is of type u32.
 */
export function sub(graph: Graph, a: Tensor, b: Tensor): Tensor {
  requireSameShape("sub", a, b);
  const n = a.size;
  const y = new Tensor(`sub(${a.name}, ${b.name})`, a.shape);
  graph.call(subForward, { inputs: { a, b }, outputs: { y }, constants: { n } });
  return graph.record({
    op: "sub",
    inputs: [a, b],
    output: y,
    backward: (dY, gradients) => {
      gradients.pass(a, dY);
      if (!gradients.wants(b)) return;
      const { target: dB, accumulate } = gradients.into(b);
      const constants = { n, accumulate, factor: -1 };
      graph.call(scaleKernel, { inputs: { x: dY }, outputs: { y: dB }, constants });
    },
  });
}
