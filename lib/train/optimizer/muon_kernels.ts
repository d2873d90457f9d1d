// The kernels of a Muon update beside its matrix products.
import { defineKernel, otherFlops } from "../../graph/kernel.ts";

/**
 * g = gradients · clip[1]; momentum = β momentum + (1 − β) g; direction = β momentum + (1 − β) g, with the new momentum:
 * Nesterov's look ahead. gradients, momentum, direction: (n); clip: (2) as written by clip_grad_norm_factor. momentum is
 * read and written. Where clip[1] is 0, it stays as it is, and the direction is 0.
 */
export const muonMomentumKernel = defineKernel({
  name: "muon_momentum",
  inputs: ["gradients", "clip"],
  outputs: ["momentum", "direction"],
  constants: { n: "u32", beta: "f32" },
  writes: { momentum: "updated" },
  sizes: ({ n }) => ({ gradients: n, clip: 2, momentum: n, direction: n }),
  // The clipping factor; a difference, a product and a sum for each of the two.
  flops: ({ n }) => otherFlops(7 * n),
  tries: [5003, 5004].map((n) => ({ constants: { n, beta: 0.95 } })),
});

/** y = x / max(norm[0], eps). x, y: (n); norm: (2) as written by clip_grad_norm_factor. */
export const divideByNormKernel = defineKernel({
  name: "divide_by_norm",
  inputs: ["x", "norm"],
  outputs: ["y"],
  constants: { n: "u32", eps: "f32" },
  sizes: ({ n }) => ({ x: n, norm: 2, y: n }),
  flops: ({ n }) => otherFlops(n + 1),
  tries: [5003, 5004].map((n) => ({ constants: { n, eps: 1e-7 }, inputs: { norm: [2.5, 1] } })),
});

/** y = alpha x + beta y, as BLAS calls it. x, y: (n); y is read and written. */
export const axpbyKernel = defineKernel({
  name: "axpby",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32", alpha: "f32", beta: "f32" },
  writes: { y: "updated" },
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n }) => otherFlops(3 * n),
  tries: [5003, 5004].map((n) => ({ constants: { n, alpha: -4.775, beta: 2.0315 } })),
});

/**
 * parameters = parameters · (1 − lr · weightDecay) − lr · factor · direction. parameters, direction: (n);
 * schedule: (1) = lr; clip: (2). parameters are read and written; where clip[1] is 0, they stay as they are.
 */
export const muonUpdateKernel = defineKernel({
  name: "muon_update",
  inputs: ["direction", "clip", "schedule"],
  outputs: ["parameters"],
  constants: { n: "u32", factor: "f32", weightDecay: "f32" },
  writes: { parameters: "updated" },
  sizes: ({ n }) => ({ direction: n, clip: 2, schedule: 1, parameters: n }),
  // The decay, the step and the difference.
  flops: ({ n }) => otherFlops(3 * n),
  tries: [5003, 5004].map((n) => ({ constants: { n, factor: 1.5, weightDecay: 0.1 } })),
});
