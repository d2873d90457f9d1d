import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { dimensionOf, spanOf } from "./dimensions.ts";

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

/** y[o,d,i] = exp(x[o,d,i] − max over d) / Σ over d of exp(x[o,d,i] − max over d). x, y: (outer, D, inner). */
export const softmaxStridedForward = defineKernel({
  name: "softmax_strided_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { outer: "u32", D: "u32", inner: "u32" },
  sizes: ({ outer, D, inner }) => ({ x: outer * D * inner, y: outer * D * inner }),
  flops: ({ outer, D, inner }) => otherFlops(5 * outer * D * inner),
  tries: [[3, 67, 37], [21, 301, 3]].map(([outer, D, inner]) => ({ constants: { outer, D, inner } })),
});

/** dX[o,d,i] (+)= y[o,d,i] · (dY[o,d,i] − Σ over d of dY[o,d,i] y[o,d,i]). */
export const softmaxStridedBackward = defineKernel({
  name: "softmax_strided_backward",
  inputs: ["y", "dY"],
  outputs: ["dX"],
  constants: { outer: "u32", D: "u32", inner: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  sizes: ({ outer, D, inner }) => ({ y: outer * D * inner, dY: outer * D * inner, dX: outer * D * inner }),
  flops: ({ outer, D, inner, accumulate }) => otherFlops((4 + accumulate) * outer * D * inner),
  tries: [[3, 67, 37], [21, 301, 3]].map(([outer, D, inner]) => ({ constants: { outer, D, inner, accumulate: 0 } })),
});

/**
 * Softmax over a dimension, the maximum subtracted first so that no exponential overflows.
 *
 * @param x Any shape
 * @param dim Negative ones count from the end; the last by default.
 * @returns x's shape
 * @throws {RangeError} If `x` has no such dimension.
 * @throws {TypeError} If `x` is of type u32.
 */
export function softmax(graph: Graph, x: Tensor, dim = -1): Tensor {
  const first = dimensionOf("softmax", x, dim);
  const { outer, length: D, inner } = spanOf(x.shape, { first, end: first + 1 });
  const y = new Tensor(`softmax(${x.name})`, x.shape);
  if (inner === 1) graph.call(softmaxForward, { inputs: { x }, outputs: { y }, constants: { rows: outer, D } });
  else graph.call(softmaxStridedForward, { inputs: { x }, outputs: { y }, constants: { outer, D, inner } });
  return graph.record({
    op: "softmax",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      const args = { inputs: { y, dY }, outputs: { dX } };
      if (inner === 1) graph.call(softmaxBackward, { ...args, constants: { rows: outer, D, accumulate } });
      else graph.call(softmaxStridedBackward, { ...args, constants: { outer, D, inner, accumulate } });
    },
  });
}
