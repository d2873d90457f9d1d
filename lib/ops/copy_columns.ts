import { defineKernel, otherFlops } from "../graph/kernel.ts";

/**
 * y[r, yFirst + j] (+)= x[r, xFirst + j] for j < count, and 0 in the other columns of y. x: (rows, xWidth),
 * y: (rows, yWidth).
 */
export const copyColumnsKernel = defineKernel({
  name: "copy_columns",
  inputs: ["x"],
  outputs: ["y"],
  constants: {
    rows: "u32",
    xWidth: "u32",
    yWidth: "u32",
    xFirst: "u32",
    yFirst: "u32",
    count: "u32",
    accumulate: "u32",
  },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x", "y"],
  sizes: ({ rows, xWidth, yWidth }) => ({ x: rows * xWidth, y: rows * yWidth }),
  touched: ({ rows, yWidth, count, accumulate }) => ({ x: rows * count, y: rows * (accumulate ? count : yWidth) }),
  flops: ({ rows, count, accumulate }) => otherFlops(rows * count * accumulate),
  tries: [
    // A slice and what undoes it, of widths that divide by four and of others.
    { constants: { rows: 37, xWidth: 60, yWidth: 20, xFirst: 28, yFirst: 0, count: 20, accumulate: 1 } },
    { constants: { rows: 37, xWidth: 20, yWidth: 60, xFirst: 0, yFirst: 28, count: 20, accumulate: 0 } },
    { constants: { rows: 67, xWidth: 61, yWidth: 23, xFirst: 27, yFirst: 0, count: 23, accumulate: 0 } },
    { constants: { rows: 67, xWidth: 23, yWidth: 61, xFirst: 0, yFirst: 27, count: 23, accumulate: 1 } },
  ],
});

/** y[r, yFirst + j] = x[r, j], the other columns of y as they were. x: (rows, xWidth), y: (rows, yWidth). */
export const writeColumnsKernel = defineKernel({
  name: "write_columns",
  inputs: ["x"],
  outputs: ["y"],
  constants: { rows: "u32", xWidth: "u32", yWidth: "u32", yFirst: "u32" },
  writes: { y: "partly overwritten" },
  halves: ["x", "y"],
  sizes: ({ rows, xWidth, yWidth }) => ({ x: rows * xWidth, y: rows * yWidth }),
  touched: ({ rows, xWidth }) => ({ y: rows * xWidth }),
  flops: () => otherFlops(0),
  tries: [
    { constants: { rows: 37, xWidth: 20, yWidth: 60, yFirst: 28 } },
    { constants: { rows: 97, xWidth: 23, yWidth: 61, yFirst: 27 } },
  ],
});
