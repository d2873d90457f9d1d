// The products of a linear layer in a graph in bf16: see linear.ts. Arrays are f32; each number of an operand is rounded to
// the nearest of bf16, and of two the even one, where the product reads it. Sums are f32.
// Source: Kalamkar et al. 2019, arXiv:1905.12322
import { defineKernel, matmulFlops } from "../graph/kernel.ts";

/** y = x Wᵀ. x: (rows, I), weight: (O, I), y: (rows, O). */
export const linearBf16Forward = defineKernel({
  name: "linear_bf16_forward",
  inputs: ["x", "weight"],
  outputs: ["y"],
  constants: { rows: "u32", I: "u32", O: "u32" },
  rounds: "bf16",
  sizes: ({ rows, I, O }) => ({ x: rows * I, weight: O * I, y: rows * O }),
  flops: ({ rows, I, O }) => matmulFlops(2 * rows * I * O),
});

/** dX (+)= dY W. dY: (rows, O), weight: (O, I), dX: (rows, I). */
export const linearBf16BackwardInput = defineKernel({
  name: "linear_bf16_backward_input",
  inputs: ["dY", "weight"],
  outputs: ["dX"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  rounds: "bf16",
  sizes: ({ rows, I, O }) => ({ dY: rows * O, weight: O * I, dX: rows * I }),
  flops: ({ rows, I, O, accumulate }) => matmulFlops(2 * rows * I * O, rows * I * accumulate),
});

/** dW (+)= dYᵀ x. dY: (rows, O), x: (rows, I), dW: (O, I). */
export const linearBf16BackwardWeight = defineKernel({
  name: "linear_bf16_backward_weight",
  inputs: ["dY", "x"],
  outputs: ["dWeight"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
  writes: { dWeight: { addedIf: "accumulate" } },
  rounds: "bf16",
  sizes: ({ rows, I, O }) => ({ dY: rows * O, x: rows * I, dWeight: O * I }),
  flops: ({ rows, I, O, accumulate }) => matmulFlops(2 * rows * I * O, O * I * accumulate),
});
