import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireEps } from "./rmsnorm.ts";
import { requireShape } from "./shapes.ts";
import { sumDimension } from "./sum_dimension.ts";
import { partialsFor, sumPartials } from "./sum_partials.ts";

/**
 * y[r,i] = (x[r,i] − mean[r]) · rstd[r] · weight[i] + bias[i], rstd[r] = 1 / √(mean((x[r] − mean[r])²) + eps).
 * x, y: (rows, D), weight, bias: (D), mean, rstd: (rows).
 */
export const layernormForward = defineKernel({
  name: "layernorm_forward",
  inputs: ["x", "weight", "bias"],
  outputs: ["y", "mean", "rstd"],
  constants: { rows: "u32", D: "u32", eps: "f32" },
  // x is, where it is no residual stream.
  halves: ["x", "y"],
  sizes: ({ rows, D }) => ({ x: rows * D, weight: D, bias: D, y: rows * D, mean: rows, rstd: rows }),
  flops: ({ rows, D }) => otherFlops(rows * (8 * D + 5)),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D, eps: 1e-5 } })),
});

/**
 * With n = (x − mean) · rstd and g = dY · weight: dX[r,i] (+)= rstd · (g[r,i] − Σⱼ g[r,j] / D − n[r,i] · Σⱼ (g·n)[r,j] / D).
 * Shapes as in the forward kernel.
 */
export const layernormBackwardInput = defineKernel({
  name: "layernorm_backward_input",
  inputs: ["x", "weight", "mean", "rstd", "dY"],
  outputs: ["dX"],
  constants: { rows: "u32", D: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ rows, D }) => ({ x: rows * D, weight: D, mean: rows, rstd: rows, dY: rows * D, dX: rows * D }),
  flops: ({ rows, D, accumulate }) => otherFlops(rows * ((13 + accumulate) * D + 2)),
  tries: [301, 300].map((D) => ({ constants: { rows: 21, D, accumulate: 1 } })),
});

/** partials[p,i] = Σ over the rows of part p of dY[r,i] · (x[r,i] − mean[r]) · rstd[r]. partials: (P, D). */
export const layernormBackwardWeight = defineKernel({
  name: "layernorm_backward_weight",
  inputs: ["x", "mean", "rstd", "dY"],
  outputs: ["partials"],
  constants: { rows: "u32", D: "u32", P: "u32" },
  halves: ["x", "dY"],
  sizes: ({ rows, D, P }) => ({ x: rows * D, mean: rows, rstd: rows, dY: rows * D, partials: P * D }),
  flops: ({ rows, D }) => otherFlops(4 * rows * D),
  tries: [
    { constants: { rows: 21, D: 301, P: 4 } },
    { constants: { rows: 301, D: 301, P: 3 } },
    { constants: { rows: 301, D: 300, P: 3 } },
  ],
});

/**
 * Layer normalisation over the last dimension.
 *
 * @param x (…, dModel)
 * @param weight (dModel)
 * @param bias (dModel)
 * @param eps Added to the variance, above 0; 1e-5 in most models.
 * @returns (…, dModel)
 *
 * @throws {RangeError} If a shape does not fit, or a float32 holds `eps` as 0 or as infinite, or not in full precision.
 *
 * Source: Ba et al. 2016, arXiv:1607.06450.
 */
export function layernorm(graph: Graph, x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const D = x.lastDim;
  const rows = x.rows;
  requireShape("layernorm", weight, [D]);
  requireShape("layernorm", bias, [D]);
  requireEps("layernorm", eps);
  const y = graph.activation(`layernorm(${weight.name})`, x.shape);
  const mean = new Tensor(`mean(${weight.name})`, [rows]);
  const rstd = new Tensor(`rstd(${weight.name})`, [rows]);
  graph.call(layernormForward, {
    inputs: { x, weight, bias },
    outputs: { y, mean, rstd },
    constants: { rows, D, eps },
  });
  return graph.record({
    op: "layernorm",
    inputs: [x, weight, bias],
    output: y,
    backward: (dY, gradients) => {
      if (gradients.wants(weight)) {
        const P = partialsFor(rows);
        const partials = new Tensor(`partials(${weight.name})`, [P, D]);
        graph.call(layernormBackwardWeight, {
          inputs: { x, mean, rstd, dY },
          outputs: { partials },
          constants: { rows, D, P },
        });
        const { target, accumulate } = gradients.into(weight);
        sumPartials(graph, partials, target, accumulate);
      }
      if (gradients.wants(bias)) {
        const { target, accumulate } = gradients.into(bias);
        sumDimension(graph, dY, target, { outer: 1, length: rows, inner: D }, 1, accumulate);
      }
      if (gradients.wants(x)) {
        const { target: dX, accumulate } = gradients.into(x);
        graph.call(layernormBackwardInput, {
          inputs: { x, weight, mean, rstd, dY },
          outputs: { dX },
          constants: { rows, D, accumulate },
        });
      }
    },
  });
}
