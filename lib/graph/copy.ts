import type { Graph } from "./graph.ts";
import { defineKernel, otherFlops } from "./kernel.ts";
import type { Tensor } from "./tensor.ts";

/** y = x, or y += x where `accumulate` is 1. */
export const copyKernel = defineKernel({
  name: "copy",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n, accumulate }) => otherFlops(n * accumulate),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 1 } })),
});

/**
 * Appends a call that copies `x` to `y`, or adds it to what `y` holds.
 * @throws {RangeError} If they differ in shape.
 */
export function copy(graph: Graph, x: Tensor, y: Tensor, accumulate: boolean): void {
  if (x.shape.join() !== y.shape.join()) throw new RangeError(`Cannot copy ${x} to ${y}: must have the same shape`);
  graph.call(copyKernel, { inputs: { x }, outputs: { y }, constants: { n: x.size, accumulate: Number(accumulate) } });
}
