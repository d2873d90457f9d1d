import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireShape } from "./shapes.ts";

/** y[d] (+)= Σ over p of partials[p, d], in an order that P and D decide. partials: (P, D), y: (D). */
export const sumPartialsKernel = defineKernel({
  name: "sum_partials",
  inputs: ["partials"],
  outputs: ["y"],
  constants: { P: "u32", D: "u32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" } },
  sizes: ({ P, D }) => ({ partials: P * D, y: D }),
  flops: ({ P, D }) => otherFlops(P * D),
  tries: [
    { constants: { P: 4, D: 301, accumulate: 1 } },
    { constants: { P: 37, D: 301, accumulate: 1 } },
    { constants: { P: 64, D: 300, accumulate: 0 } },
  ],
});

/**
 * How many partial sums a sum across rows is split into: a fixed number, added in a fixed order, so that the result has
 * the same bits for any number of CPU workers. Partial sum p covers rows
 * ⌊p · rows / P⌋ ≤ r < ⌊(p + 1) · rows / P⌋.
 */
export const MAX_PARTIALS = 64;

/** The number of partial sums for so many rows. */
export function partialsFor(rows: number): number {
  return Math.min(MAX_PARTIALS, rows);
}

/**
 * Appends the call that finishes a sum across rows.
 *
 * @param partials (P, D)
 * @param y (D)
 * @throws {RangeError} If shapes disagree.
 */
export function sumPartials(graph: Graph, partials: Tensor, y: Tensor, accumulate: 0 | 1): void {
  const [P, D] = partials.shape;
  if (partials.shape.length !== 2) throw new RangeError(`Cannot sum ${partials}: must have shape (parts, width)`);
  requireShape("sumPartials", y, [D]);
  graph.call(sumPartialsKernel, { inputs: { partials }, outputs: { y }, constants: { P, D, accumulate } });
}
