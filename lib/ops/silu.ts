import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";

/** y = x · σ(x), elementwise over n. */
export const siluForward = defineKernel({
  name: "silu_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n }) => otherFlops(4 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/** dX (+)= dY · σ(x) · (1 + x · (1 − σ(x))). */
export const siluBackward = defineKernel({
  name: "silu_backward",
  inputs: ["x", "dY"],
  outputs: ["dX"],
  constants: { n: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ n }) => ({ x: n, dY: n, dX: n }),
  flops: ({ n, accumulate }) => otherFlops((9 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 0 } })),
});

/** The sigmoid linear unit, x · σ(x), elementwise. Source: Elfwing et al. 2017, arXiv:1702.03118. */
export function silu(graph: Graph, x: Tensor): Tensor {
  const n = x.size;
  const y = graph.activation(`silu(${x.name})`, x.shape);
  graph.call(siluForward, { inputs: { x }, outputs: { y }, constants: { n } });
  return graph.record({
    op: "silu",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(siluBackward, { inputs: { x, dY }, outputs: { dX }, constants: { n, accumulate } });
    },
  });
}
