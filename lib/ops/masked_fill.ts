import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireShape } from "./shapes.ts";

/**
 * y[i] (+)= value where mask[i mod maskSize] is not 0, x[i] where it is. x, y: (n); mask: (maskSize) u32, which divides
 * n. Its backward rule calls it too: dX (+)= 0 where something was filled in, dY elsewhere.
 */
export const maskedFillKernel = defineKernel({
  name: "masked_fill",
  inputs: ["x", "mask"],
  outputs: ["y"],
  integers: ["mask"],
  constants: { n: "u32", maskSize: "u32", accumulate: "u32", value: "f32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x", "y"],
  sizes: ({ n, maskSize }) => ({ x: n, mask: maskSize, y: n }),
  flops: ({ n, accumulate }) => otherFlops((1 + accumulate) * n),
  tries: [[21, 301], [31, 204], [1, 6324]].map(([repeats, maskSize]) => ({
    constants: { n: repeats * maskSize, maskSize, accumulate: 0, value: -0.7 },
    // Any number but 0 fills.
    inputs: { mask: Array.from({ length: maskSize }, (_, i) => i % 3) },
  })),
});

/**
 * A tensor with `value` in the places that a mask marks. As in PyTorch's `masked_fill`, these are the places where the
 * mask is not 0: for causal attention over scores (…, queries, keys), mask[i][j] is 1 where j > i, what must not be seen.
 *
 * The gradient is 0 in these places, and passes everywhere else.
 *
 * @param mask Of type u32. Its shape is that of the last dimensions of `x`, or all of them: it is the same for each
 * index of the dimensions before.
 * @param value A finite number. For softmax, −1e30 hides a place as −∞ would, in f16 −6e4, unless the whole row is filled.
 * @returns The shape and type of `x`.
 * @throws {RangeError} If the mask's shape is not that of the last dimensions of `x`, or `value` is not finite as a
 * float32, or as f16 where `x` is f16.
 * @throws {TypeError} If `mask` is not of type u32, or `x` is.
 */
export function maskedFill(graph: Graph, x: Tensor, mask: Tensor, value: number): Tensor {
  requireShape("maskedFill", mask, x.shape.slice(-mask.shape.length));
  if (x.dtype === "f16" && !Number.isFinite(Math.f16round(value))) {
    throw new RangeError(
      `Cannot apply maskedFill: got value ${value} for ${x} of type f16, must be a number from -65504 to 65504`,
    );
  }
  const sizes = { n: x.size, maskSize: mask.size };
  const y = new Tensor(`maskedFill(${x.name})`, x.shape, { dtype: x.dtype });
  graph.call(maskedFillKernel, { inputs: { x, mask }, outputs: { y }, constants: { ...sizes, accumulate: 0, value } });
  return graph.record({
    op: "maskedFill",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target, accumulate } = gradients.into(x);
      graph.call(maskedFillKernel, {
        inputs: { x: dY, mask },
        outputs: { y: target },
        constants: { ...sizes, accumulate, value: 0 },
      });
    },
  });
}
