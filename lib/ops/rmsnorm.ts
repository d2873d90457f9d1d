import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireShape } from "./shapes.ts";
import { partialsFor, sumPartials } from "./sum_partials.ts";

/** y[r,i] = x[r,i] · rstd[r] · weight[i], rstd[r] = 1 / √(mean(x[r]²) + eps). x, y: (rows, D), weight: (D), rstd: (rows). */
export const rmsnormForward = defineKernel({
  name: "rmsnorm_forward",
  inputs: ["x", "weight"],
  outputs: ["y", "rstd"],
  constants: { rows: "u32", D: "u32", eps: "f32" },
  // x is, where it is no residual stream: queries and keys, and what a sublayer gives.
  halves: ["x", "y"],
  sizes: ({ rows, D }) => ({ x: rows * D, weight: D, y: rows * D, rstd: rows }),
  flops: ({ rows, D }) => otherFlops(rows * (4 * D + 4)),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D, eps: 1e-5 } })),
});

/** dX[r,i] (+)= rstd · (dY·w)[r,i] − x[r,i] · rstd³ / D · Σⱼ (dY·w·x)[r,j]. Shapes as in the forward kernel. */
export const rmsnormBackwardInput = defineKernel({
  name: "rmsnorm_backward_input",
  inputs: ["x", "weight", "rstd", "dY"],
  outputs: ["dX"],
  constants: { rows: "u32", D: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ rows, D }) => ({ x: rows * D, weight: D, rstd: rows, dY: rows * D, dX: rows * D }),
  flops: ({ rows, D, accumulate }) => otherFlops(rows * ((6 + accumulate) * D + 4)),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D, accumulate: 1 } })),
});

/** partials[p,i] = Σ over the rows of part p of dY[r,i] · x[r,i] · rstd[r]. partials: (P, D), parts as in sum_partials.ts. */
export const rmsnormBackwardWeight = defineKernel({
  name: "rmsnorm_backward_weight",
  inputs: ["x", "rstd", "dY"],
  outputs: ["partials"],
  constants: { rows: "u32", D: "u32", P: "u32" },
  halves: ["x", "dY"],
  sizes: ({ rows, D, P }) => ({ x: rows * D, rstd: rows, dY: rows * D, partials: P * D }),
  flops: ({ rows, D }) => otherFlops(3 * rows * D),
  tries: [
    { constants: { rows: 21, D: 301, P: 4 } },
    { constants: { rows: 301, D: 301, P: 3 } },
    { constants: { rows: 301, D: 300, P: 3 } },
  ],
});

/** The smallest number above 0 that a float32 holds in full precision. */
const SMALLEST_NORMAL = 2 ** -126;

/** @throws {RangeError} If what is added to a mean square cannot be a float32 above 0. */
export function requireEps(op: string, eps: number): void {
  // A row of zeros would be divided by 0; a GPU takes what is smaller for 0.
  if (!(eps >= SMALLEST_NORMAL && Number.isFinite(Math.fround(eps)))) {
    throw new RangeError(`Cannot apply ${op}: got eps ${eps}, must be above 0: from 2^-126 to the largest float32`);
  }
}

/**
 * Root-mean-square normalisation over the last dimension.
 *
 * @param x (…, dModel)
 * @param weight (dModel)
 * @param eps Added to the mean square, above 0; 1e-5 in this project's models.
 * @returns (…, dModel)
 *
 * @throws {RangeError} If a shape does not fit, or a float32 holds `eps` as 0 or as infinite, or not in full precision.
 *
 * Source: Zhang & Sennrich 2019, arXiv:1910.07467.
 */
export function rmsnorm(graph: Graph, x: Tensor, weight: Tensor, eps: number): Tensor {
  const D = x.lastDim;
  const rows = x.rows;
  requireShape("rmsnorm", weight, [D]);
  requireEps("rmsnorm", eps);
  const y = graph.activation(`rmsnorm(${weight.name})`, x.shape);
  const rstd = new Tensor(`rstd(${weight.name})`, [rows]);
  graph.call(rmsnormForward, { inputs: { x, weight }, outputs: { y, rstd }, constants: { rows, D, eps } });
  return graph.record({
    op: "rmsnorm",
    inputs: [x, weight],
    output: y,
    backward: (dY, gradients) => {
      if (gradients.wants(weight)) {
        const P = partialsFor(rows);
        const partials = new Tensor(`partials(${weight.name})`, [P, D]);
        graph.call(rmsnormBackwardWeight, {
          inputs: { x, rstd, dY },
          outputs: { partials },
          constants: { rows, D, P },
        });
        const { target, accumulate } = gradients.into(weight);
        sumPartials(graph, partials, target, accumulate);
      }
      if (gradients.wants(x)) {
        const { target: dX, accumulate } = gradients.into(x);
        graph.call(rmsnormBackwardInput, {
          inputs: { x, weight, rstd, dY },
          outputs: { dX },
          constants: { rows, D, accumulate },
        });
      }
    },
  });
}
