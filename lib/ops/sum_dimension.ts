import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import type { Span } from "./dimensions.ts";

/**
 * y[o,p,i] (+)= factor · Σ of x[o,l,i] over the l of part p, ⌈length / parts⌉ of them, in an order that the sizes decide.
 * x: (outer, length, inner), y: (outer, parts, inner).
 */
export const sumDimensionKernel = defineKernel({
  name: "sum_dimension",
  inputs: ["x"],
  outputs: ["y"],
  constants: { outer: "u32", length: "u32", inner: "u32", parts: "u32", factor: "f32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x"],
  sizes: ({ outer, length, inner, parts }) => ({ x: outer * length * inner, y: outer * parts * inner }),
  flops: ({ outer, length, inner, parts, accumulate }) => otherFlops(outer * inner * (length + parts * accumulate)),
  tries: [
    { constants: { outer: 21, length: 301, inner: 1, parts: 1, factor: 0.5, accumulate: 0 } },
    { constants: { outer: 3, length: 67, inner: 37, parts: 1, factor: 1, accumulate: 1 } },
    { constants: { outer: 2, length: 2051, inner: 3, parts: 5, factor: 1, accumulate: 0 } },
  ],
});

/** y[o,l,i] (+)= factor · x[o,i], the same for each l. x: (outer, inner), y: (outer, length, inner). */
export const repeatDimensionKernel = defineKernel({
  name: "repeat_dimension",
  inputs: ["x"],
  outputs: ["y"],
  constants: { outer: "u32", length: "u32", inner: "u32", factor: "f32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["y"],
  sizes: ({ outer, length, inner }) => ({ x: outer * inner, y: outer * length * inner }),
  flops: ({ outer, length, inner, accumulate }) => otherFlops(outer * length * inner * (1 + accumulate)),
  tries: [
    { constants: { outer: 21, length: 301, inner: 1, factor: 0.5, accumulate: 1 } },
    { constants: { outer: 3, length: 67, inner: 37, factor: 1, accumulate: 0 } },
  ],
});

/** From so many sums on, each is made at once: they keep any device busy. */
const ENOUGH_SUMS = 1024;

/** Terms of a part at least, and parts of a sum at most. */
const LEAST_TERMS = 1024;
const MOST_PARTS = 256;

/** How many parts a sum is made in: several where sums are few and long. */
export function partsFor({ outer, length, inner }: Span): number {
  if (outer * inner >= ENOUGH_SUMS) return 1;
  return Math.max(1, Math.min(MOST_PARTS, Math.floor(length / LEAST_TERMS)));
}

/** Appends calls for y[o,i] (+)= factor · Σ over l of x[o,l,i]. */
export function sumDimension(
  graph: Graph,
  x: Tensor,
  y: Tensor,
  { outer, length, inner }: Span,
  factor: number,
  accumulate: 0 | 1,
): void {
  const parts = partsFor({ outer, length, inner });
  if (parts === 1) {
    const constants = { outer, length, inner, parts, factor, accumulate };
    graph.call(sumDimensionKernel, { inputs: { x }, outputs: { y }, constants });
    return;
  }
  const partials = new Tensor(`partials(${y.name})`, [outer, parts, inner]);
  graph.call(sumDimensionKernel, {
    inputs: { x },
    outputs: { y: partials },
    constants: { outer, length, inner, parts, factor: 1, accumulate: 0 },
  });
  graph.call(sumDimensionKernel, {
    inputs: { x: partials },
    outputs: { y },
    constants: { outer, length: parts, inner, parts: 1, factor, accumulate },
  });
}

/** Appends the call for y[o,l,i] (+)= factor · x[o,i]. */
export function repeatDimension(
  graph: Graph,
  x: Tensor,
  y: Tensor,
  { outer, length, inner }: Span,
  factor: number,
  accumulate: 0 | 1,
): void {
  const constants = { outer, length, inner, factor, accumulate };
  graph.call(repeatDimensionKernel, { inputs: { x }, outputs: { y }, constants });
}
