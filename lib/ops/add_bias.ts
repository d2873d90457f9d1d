import { defineKernel, otherFlops } from "../graph/kernel.ts";

/** y[r,i] += bias[i]. y: (rows, D), bias: (D). Its backward rule is a sum over rows: see linear.ts. */
export const addBiasKernel = defineKernel({
  name: "add_bias",
  inputs: ["bias"],
  outputs: ["y"],
  constants: { rows: "u32", D: "u32" },
  writes: { y: "updated" },
  halves: ["y"],
  sizes: ({ rows, D }) => ({ bias: D, y: rows * D }),
  flops: ({ rows, D }) => otherFlops(rows * D),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D } })),
});
