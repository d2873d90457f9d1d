import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireSameShape } from "./shapes.ts";

/** y = a + b, elementwise over n. Its backward rule needs no kernel: both inputs' gradient is dY itself. */
export const addForward = defineKernel({
  name: "add_forward",
  inputs: ["a", "b"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["b"],
  sizes: ({ n }) => ({ a: n, b: n, y: n }),
  flops: ({ n }) => otherFlops(n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/** The elementwise sum of two tensors of one shape: the residual connection. */
export function add(graph: Graph, a: Tensor, b: Tensor): Tensor {
  requireSameShape("add", a, b);
  const y = new Tensor(`add(${a.name}, ${b.name})`, a.shape);
  graph.call(addForward, { inputs: { a, b }, outputs: { y }, constants: { n: a.size } });
  return graph.record({
    op: "add",
    inputs: [a, b],
    output: y,
    backward: (dY, gradients) => {
      gradients.pass(a, dY);
      gradients.pass(b, dY);
    },
  });
}
