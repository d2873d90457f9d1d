import type { Graph } from "../../graph/graph.ts";
import { defineKernel, otherFlops } from "../../graph/kernel.ts";
import { Tensor } from "../../graph/tensor.ts";
import { partialsFor } from "../../ops/sum_partials.ts";

/** partials[p] = Σ over part p of gradients². gradients: (n), partials: (P), parts as in lib/ops/sum_partials.ts. */
export const clipGradNormPartials = defineKernel({
  name: "clip_grad_norm_partials",
  inputs: ["gradients"],
  outputs: ["partials"],
  constants: { n: "u32", P: "u32" },
  sizes: ({ n, P }) => ({ gradients: n, partials: P }),
  flops: ({ n }) => otherFlops(2 * n),
  tries: [{ constants: { n: 5003, P: 7 } }],
});

/**
 * clip[0] = norm = √Σ partials, clip[1] = min(1, maxNorm / (norm + 1e-6)), or 0 where the norm is NaN or infinite: an
 * optimizer then changes nothing, and the weights that it came from are still there to be looked at. partials: (P),
 * clip: (2).
 */
export const clipGradNormFactor = defineKernel({
  name: "clip_grad_norm_factor",
  inputs: ["partials"],
  outputs: ["clip"],
  constants: { P: "u32", maxNorm: "f32" },
  sizes: ({ P }) => ({ partials: P, clip: 2 }),
  flops: ({ P }) => otherFlops(P + 4),
  tries: [{ constants: { P: 3, maxNorm: 0.5 }, inputs: { partials: [0.7, 0.2, 0.5] } }],
});

/**
 * What stands for a largest norm that no norm reaches: the root of a sum that a float32 holds is at most 2⁶⁴. Divided by
 * 1e-6 it is still finite, as WGSL may assume of every value.
 */
const BEYOND_ALL_NORMS = 2 ** 100;

/** The largest norm as the kernels are told it: finite, and clipping the same norms. */
export function finiteNorm(maxNorm: number): number {
  return Math.min(maxNorm, BEYOND_ALL_NORMS);
}

/** Elements that one partial sum covers at most, before more partial sums are made. */
const ELEMENTS_PER_PARTIAL = 4096;

/**
 * Appends the calls that find the global norm of a flat gradient buffer and the factor that brings it down to `maxNorm`.
 * The optimizer applies the factor as it reads the gradients, which saves a pass over them.
 *
 * @param maxNorm The largest norm left as it is; Infinity switches clipping off and still reports the norm.
 * @returns (2): the norm before clipping, and the factor.
 *
 * Source: Pascanu et al. 2012, arXiv:1211.5063; the 1e-6 is torch.nn.utils.clip_grad_norm_'s.
 *
 * @example Clipping gradients that the host has; a `TensorOptimizer` clips those of its tensors by itself
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { Graph, runGraph } from "@bytelm/bytelm/graph";
 * import { clipGradNorm } from "@bytelm/bytelm/train";
 *
 * const gradients = [Float32Array.of(3, 0), Float32Array.of(0, 0, 4)];
 * const flat = gradients.flatMap((gradient) => [...gradient]);
 * const graph = new Graph();
 * const all = graph.input("gradients", [flat.length]);
 * const clip = clipGradNorm(graph, all, 1);
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const [norm, factor] = await runGraph(backend, graph, clip, [[all, flat]]);
 * for (const gradient of gradients) gradient.forEach((value, i) => gradient[i] = value * factor);
 * console.log(norm, gradients); // 5; 0.6, 0 and 0, 0, 0.8
 * ```
 */
export function clipGradNorm(graph: Graph, gradients: Tensor, maxNorm: number): Tensor {
  if (!(maxNorm > 0)) throw new RangeError(`Cannot clip gradients: got a norm of ${maxNorm}, must be above 0`);
  const n = gradients.size;
  const P = Math.max(partialsFor(n), Math.min(1024, Math.ceil(n / ELEMENTS_PER_PARTIAL)));
  const partials = new Tensor("grad_norm_partials", [P]);
  const clip = new Tensor("clip", [2]);
  graph.call(clipGradNormPartials, { inputs: { gradients }, outputs: { partials }, constants: { n, P } });
  const constants = { P, maxNorm: finiteNorm(maxNorm) };
  graph.call(clipGradNormFactor, { inputs: { partials }, outputs: { clip }, constants });
  return clip;
}
