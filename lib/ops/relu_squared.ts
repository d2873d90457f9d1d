import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";

/** y = max(x, 0)², elementwise over n. */
export const reluSquaredForward = defineKernel({
  name: "relu_squared_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n }) => otherFlops(2 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/** dX (+)= dY · 2 max(x, 0). */
export const reluSquaredBackward = defineKernel({
  name: "relu_squared_backward",
  inputs: ["x", "dY"],
  outputs: ["dX"],
  constants: { n: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ n }) => ({ x: n, dY: n, dX: n }),
  flops: ({ n, accumulate }) => otherFlops((3 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 0 } })),
});

/**
 * The squared rectified linear unit, max(x, 0)², elementwise. NaN stays NaN.
 *
 * @returns The shape of `x`.
 *
 * Source: So et al. 2021, arXiv:2109.08668.
 */
export function reluSquared(graph: Graph, x: Tensor): Tensor {
  const n = x.size;
  const y = graph.activation(`relu_squared(${x.name})`, x.shape);
  graph.call(reluSquaredForward, { inputs: { x }, outputs: { y }, constants: { n } });
  return graph.record({
    op: "reluSquared",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(reluSquaredBackward, { inputs: { x, dY }, outputs: { dX }, constants: { n, accumulate } });
    },
  });
}
