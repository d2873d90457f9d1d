import { option, OptionError, say } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireShape } from "./shapes.ts";

/**
 * y[i] (+)= factor · x[i] where a random word is at least the threshold, 0 elsewhere. The word of element i is word i mod 4
 * of Philox4x32-10 with the counter (⌊i / 4⌋, site, draw[2], draw[3]) and the key (draw[0], draw[1] ^ 2³¹), so that no seed
 * below 2⁵³ gives words that are drawn for anything else. x, y: (n); draw: (4) u32. Its backward rule calls it too.
 * Source: Salmon et al. 2011, SC '11; Srivastava et al. 2014, JMLR 15.
 */
export const dropoutKernel = defineKernel({
  name: "dropout",
  inputs: ["x", "draw"],
  outputs: ["y"],
  integers: ["draw"],
  constants: { n: "u32", site: "u32", threshold: "u32", accumulate: "u32", factor: "f32" },
  writes: { y: { addedIf: "accumulate" } },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, draw: 4, y: n }),
  // The random words are made of integers, which are not counted.
  flops: ({ n, accumulate }) => otherFlops((1 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({
    constants: { n, site: 3, threshold: 2 ** 30, accumulate: 0, factor: 4 / 3 },
    inputs: { draw: [1, 2 ** 20, 2 ** 32 - 1, 7] },
  })),
});

/** What decides which elements are dropped. */
export interface DropoutOptions {
  /** The share that is dropped: 0 or more, below 1. */
  readonly rate: number;
  /**
   * (4) of type u32: the seed's low and high word, and those of a number that is another for each pass. The same ones drop
   * the same elements, whatever the backend and the number of workers.
   */
  readonly draw: Tensor;
  /** Tells the places of a model apart that drop by the same `draw`; below 2³². */
  readonly site: number;
}

/**
 * Dropout: sets a random share of the elements to 0, and divides the others by the share that is kept, so that the mean
 * stays. A model computes without it once it is trained. No mask is stored: the backward pass draws it again.
 *
 * @returns The same shape and type; `x` itself at a rate of 0.
 * @throws {OptionError} If the rate or the site is out of range.
 * @throws {RangeError} If `draw` has another shape.
 *
 * Source: Srivastava et al. 2014, JMLR 15.
 */
export function dropout(graph: Graph, x: Tensor, { rate, draw, site }: DropoutOptions): Tensor {
  requireDropoutRate(rate);
  if (!Number.isInteger(site) || site < 0 || site >= 2 ** 32) {
    throw new OptionError(`Cannot apply dropout: got site ${site}, must be a whole number below 2^32`);
  }
  requireShape("dropout", draw, [4]);
  if (rate === 0) return x;
  const n = x.size;
  const threshold = Math.floor(rate * 2 ** 32);
  // Of all words, the share that is kept, exactly.
  const constants = { n, site, threshold, factor: 2 ** 32 / (2 ** 32 - threshold) };
  const y = new Tensor(`dropout(${x.name})`, x.shape, { dtype: x.dtype });
  graph.call(dropoutKernel, { inputs: { x, draw }, outputs: { y }, constants: { ...constants, accumulate: 0 } });
  return graph.record({
    op: "dropout",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target, accumulate } = gradients.into(x);
      const inputs = { x: dY, draw };
      graph.call(dropoutKernel, { inputs, outputs: { y: target }, constants: { ...constants, accumulate } });
    },
  });
}

/** @throws {OptionError} If it is no share that can be dropped. */
export function requireDropoutRate(rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new OptionError(say`Cannot apply dropout: got ${option("dropout", String(rate))}, must be 0 or more, below 1`);
}
