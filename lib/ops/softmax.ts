import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";

/** y[r,i] = exp(x[r,i] − max(x[r])) / Σⱼ exp(x[r,j] − max(x[r])). x, y: (rows, D). */
export const softmaxForward = defineKernel({
  name: "softmax_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { rows: "u32", D: "u32" },
  sizes: ({ rows, D }) => ({ x: rows * D, y: rows * D }),
  flops: ({ rows, D }) => otherFlops(5 * rows * D),
  tries: [{ constants: { rows: 21, D: 301 } }],
});

/** dX[r,i] (+)= y[r,i] · (dY[r,i] − Σⱼ dY[r,j] y[r,j]). */
export const softmaxBackward = defineKernel({
  name: "softmax_backward",
  inputs: ["y", "dY"],
  outputs: ["dX"],
  constants: { rows: "u32", D: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  sizes: ({ rows, D }) => ({ y: rows * D, dY: rows * D, dX: rows * D }),
  flops: ({ rows, D, accumulate }) => otherFlops((4 + accumulate) * rows * D),
  tries: [{ constants: { rows: 21, D: 301, accumulate: 0 } }],
});

/** Softmax over the last dimension, the maximum subtracted first so that no exponential overflows. */
export function softmax(graph: Graph, x: Tensor): Tensor {
  const { rows, lastDim: D } = x;
  const y = new Tensor(`softmax(${x.name})`, x.shape);
  graph.call(softmaxForward, { inputs: { x }, outputs: { y }, constants: { rows, D } });
  return graph.record({
    op: "softmax",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(softmaxBackward, { inputs: { y, dY }, outputs: { dX }, constants: { rows, D, accumulate } });
    },
  });
}
