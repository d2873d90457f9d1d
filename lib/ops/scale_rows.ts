import { defineKernel, otherFlops } from "../graph/kernel.ts";

/** y[r,i] *= factors[r], in the place of y. y: (rows, D); factors: (rows). */
export const scaleRowsKernel = defineKernel({
  name: "scale_rows",
  inputs: ["factors"],
  outputs: ["y"],
  constants: { rows: "u32", D: "u32" },
  writes: { y: "updated" },
  halves: ["y"],
  sizes: ({ rows, D }) => ({ factors: rows, y: rows * D }),
  flops: ({ rows, D }) => otherFlops(rows * D),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D } })),
});
