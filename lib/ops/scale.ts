import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";

/** y (+)= factor · x, elementwise over n. Its backward rule calls it too: dX (+)= factor · dY. */
export const scaleKernel = defineKernel({
  name: "scale",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32", accumulate: "u32", factor: "f32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n, accumulate }) => otherFlops((1 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 0, factor: -0.7 } })),
});

/**
 * A tensor times a number that is known when the graph is made. Kernels round it to float32.
 *
 * @param factor 1 / √headDim, say; −1 negates.
 * @returns The same shape and type: what a graph in f16 holds in f32, such as the residual stream, stays so.
 * @throws {RangeError} If `factor` is not finite as a float32.
 * @throws {TypeError} If `x` is of type u32.
 */
export function scale(graph: Graph, x: Tensor, factor: number): Tensor {
  const n = x.size;
  const y = new Tensor(`scale(${x.name})`, x.shape, { dtype: x.dtype });
  graph.call(scaleKernel, { inputs: { x }, outputs: { y }, constants: { n, accumulate: 0, factor } });
  return graph.record({
    op: "scale",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target, accumulate } = gradients.into(x);
      graph.call(scaleKernel, { inputs: { x: dY }, outputs: { y: target }, constants: { n, accumulate, factor } });
    },
  });
}
