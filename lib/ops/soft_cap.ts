import { OptionError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";

/** y = cap · tanh(x / cap), elementwise over n. */
export const softCapForward = defineKernel({
  name: "soft_cap_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32", cap: "f32" },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n }) => otherFlops(3 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, cap: 0.7 } })),
});

/** dX (+)= dY · (1 − tanh²(x / cap)). */
export const softCapBackward = defineKernel({
  name: "soft_cap_backward",
  inputs: ["x", "dY"],
  outputs: ["dX"],
  constants: { n: "u32", accumulate: "u32", cap: "f32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ n }) => ({ x: n, dY: n, dX: n }),
  flops: ({ n, accumulate }) => otherFlops((8 + accumulate) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulate: 1, cap: 0.7 } })),
});

/** The same gradient in the place of x: x is read, then overwritten. */
export const softCapBackwardInPlace = defineKernel({
  name: "soft_cap_backward_in_place",
  inputs: ["dY"],
  outputs: ["x"],
  constants: { n: "u32", cap: "f32" },
  writes: { x: "updated" },
  halves: ["dY", "x"],
  sizes: ({ n }) => ({ dY: n, x: n }),
  flops: ({ n }) => otherFlops(8 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, cap: 0.7 } })),
});

/** Options for `softCap`. */
export interface SoftCapOptions {
  /**
   * Let the backward pass write the gradient over `x`, which saves an array of its size. Nothing may read `x` after that:
   * no other op takes it, and the op that made it does not need its output again (`linear` does not).
   */
  readonly overwriteInput?: boolean;
}

/** The caps with which x / cap is a float32 in full precision, for any x that a model computes. */
const [LEAST, MOST] = [1e-18, 1e18];

/**
 * cap · tanh(x / cap), elementwise: nearly x where that is small, and never beyond ±cap. Its relative error is a few times
 * 2⁻²⁴, near 0 too. The backward pass computes from `x`, so that what takes the result may overwrite it.
 *
 * @param cap From 1e-18 to 1e18. Gemma 2 has 30 for its logits.
 * @returns The same shape and type.
 * @throws {OptionError} If `cap` is out of range.
 * @throws {Error} From the backward rule, if `x` was to be overwritten and another op takes it too.
 *
 * Source: Gemma Team 2024 (Gemma 2), arXiv:2408.00118, section 2.
 */
export function softCap(
  graph: Graph,
  x: Tensor,
  cap: number,
  { overwriteInput = false }: SoftCapOptions = {},
): Tensor {
  if (!isSoftCap(cap)) throw new OptionError(`Cannot apply softCap: got cap ${cap}, must be ${SOFT_CAP}`);
  const n = x.size;
  const y = new Tensor(`softCap(${x.name})`, x.shape, { dtype: x.dtype });
  graph.call(softCapForward, { inputs: { x }, outputs: { y }, constants: { n, cap } });
  return graph.record({
    op: "softCap",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      if (overwriteInput) {
        const takers = graph.tape.filter(({ inputs }) => inputs.some(({ base }) => base === x.base));
        if (takers.length > 1) {
          const names = takers.map(({ op }) => op).join(" and ");
          throw new Error(`Cannot overwrite ${x}: got ${names} that take it, must be one op`);
        }
        graph.call(softCapBackwardInPlace, { inputs: { dY }, outputs: { x }, constants: { n, cap } });
        gradients.pass(x, x);
        return;
      }
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(softCapBackward, { inputs: { x, dY }, outputs: { dX }, constants: { n, accumulate, cap } });
    },
  });
}

/** What a cap must be, in words. */
export const SOFT_CAP = "a number above 0, from 1e-18 to 1e18";

/** Whether a value, which may be anything that a file holds, can be the cap of a `softCap`. */
export function isSoftCap(value: unknown): value is number {
  return typeof value === "number" && value >= LEAST && value <= MOST;
}
