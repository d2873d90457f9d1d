import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { productOf, requireCountable } from "./dimensions.ts";

/** Dimensions that the kernel takes. */
const DIMENSIONS = 4;

/**
 * y[i₀, i₁, i₂, i₃] (+)= x[i₀ · stride0 + i₁ · stride1 + i₂ · stride2 + i₃ · stride3]. y: (n0, n1, n2, n3), dense; x: as
 * many as y but for the dimensions of stride 0, along which y repeats it.
 */
export const stridedCopyKernel = defineKernel({
  name: "strided_copy",
  inputs: ["x"],
  outputs: ["y"],
  constants: {
    n0: "u32",
    n1: "u32",
    n2: "u32",
    n3: "u32",
    stride0: "u32",
    stride1: "u32",
    stride2: "u32",
    stride3: "u32",
    accumulate: "u32",
  },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x", "y"],
  sizes: ({ n0, n1, n2, n3, stride0, stride1, stride2, stride3 }) => {
    const strides = [stride0, stride1, stride2, stride3];
    const sizes = [n0, n1, n2, n3];
    return { x: productOf(sizes.filter((_, i) => strides[i] > 0)), y: productOf(sizes) };
  },
  flops: ({ n0, n1, n2, n3, accumulate }) => otherFlops(n0 * n1 * n2 * n3 * accumulate),
  tries: [
    // Rows that stay whole, of a length that divides by four and of one that does not; matrices that are turned, of sizes
    // that do and do not; dimensions the other way round; rows and numbers that are repeated.
    tryOf([3, 7, 5, 12], [420, 12, 84, 1]),
    tryOf([3, 7, 5, 11], [385, 11, 77, 1]),
    tryOf([3, 2, 16, 12], [192, 576, 1, 16]),
    tryOf([1, 1, 37, 53], [0, 0, 1, 37]),
    tryOf([5, 4, 7, 9], [1, 5, 20, 140]),
    tryOf([3, 7, 5, 12], [60, 0, 12, 1]),
    tryOf([3, 1, 5, 13], [5, 0, 1, 0]),
  ],
});

function tryOf([n0, n1, n2, n3]: readonly number[], [stride0, stride1, stride2, stride3]: readonly number[]) {
  return { constants: { n0, n1, n2, n3, stride0, stride1, stride2, stride3, accumulate: 1 } };
}

/**
 * Appends the call that writes, or adds, elements of `x` to a dense `y`.
 *
 * @param strides For each dimension of `y`, how many elements of `x` one step along it is; 0 repeats.
 * @throws {RangeError} If there are more than four dimensions, those that can be taken as one taken as one.
 */
export function stridedCopy(
  graph: Graph,
  op: string,
  { x, y, strides, accumulate }: { x: Tensor; y: Tensor; strides: readonly number[]; accumulate: 0 | 1 },
): void {
  requireCountable(op, x);
  requireCountable(op, y);
  const dimensions = merged(y.shape, strides);
  if (dimensions.length > DIMENSIONS) {
    throw new RangeError(
      `Cannot apply ${op}: got ${x} for shape (${y.shape.join(", ")}), which takes ${dimensions.length} dimensions, ` +
        `must take at most ${DIMENSIONS}: those of size 1 do not count, and neighbours that stay neighbours count as one`,
    );
  }
  while (dimensions.length < DIMENSIONS) dimensions.unshift({ size: 1, stride: 0 });
  const [n0, n1, n2, n3] = dimensions.map(({ size }) => size);
  const [stride0, stride1, stride2, stride3] = dimensions.map(({ stride }) => stride);
  graph.call(stridedCopyKernel, {
    inputs: { x },
    outputs: { y },
    constants: { n0, n1, n2, n3, stride0, stride1, stride2, stride3, accumulate },
  });
}

/** Dimensions as few as they can be: without those of size 1, and neighbours in both arrays taken as one. */
function merged(shape: readonly number[], strides: readonly number[]): { size: number; stride: number }[] {
  const dimensions: { size: number; stride: number }[] = [];
  shape.forEach((size, i) => {
    const stride = strides[i];
    const last = dimensions.at(-1);
    if (size === 1) return;
    if (last?.stride === size * stride) dimensions.splice(-1, 1, { size: last.size * size, stride });
    else dimensions.push({ size, stride });
  });
  return dimensions;
}
