import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireSameShape } from "./shapes.ts";

/**
 * y = x · Φ(x), elementwise over n. If `exact` is 1, Φ is the normal distribution's; if it is 0,
 * Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
 */
export const geluForward = defineKernel({
  name: "gelu_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32", exact: "u32" },
  halves: ["x", "y"],
  sizes: ({ n }) => ({ x: n, y: n }),
  flops: ({ n, exact }) => otherFlops((exact ? 24 : 9) * n),
  tries: [{ n: 6321, exact: 0 }, { n: 6324, exact: 1 }].map((constants) => ({ constants })),
});

/** dX (+)= dY · (Φ(x) + x Φ′(x)), with Φ as in the forward kernel. */
export const geluBackward = defineKernel({
  name: "gelu_backward",
  inputs: ["x", "dY"],
  outputs: ["dX"],
  constants: { n: "u32", exact: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["x", "dY", "dX"],
  sizes: ({ n }) => ({ x: n, dY: n, dX: n }),
  flops: ({ n, exact, accumulate }) => otherFlops(((exact ? 28 : 17) + accumulate) * n),
  tries: [{ n: 6321, exact: 0 }, { n: 6324, exact: 1 }].map((sizes) => ({ constants: { ...sizes, accumulate: 0 } })),
});

/** y = gelu(gate) · up, elementwise over n, with gelu's approximation by tanh. */
export const gegluForward = defineKernel({
  name: "geglu_forward",
  inputs: ["gate", "up"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["gate", "up", "y"],
  sizes: ({ n }) => ({ gate: n, up: n, y: n }),
  flops: ({ n }) => otherFlops(10 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/** dGate (+)= dY · up · gelu′(gate); dUp (+)= dY · gelu(gate). */
export const gegluBackward = defineKernel({
  name: "geglu_backward",
  inputs: ["gate", "up", "dY"],
  outputs: ["dGate", "dUp"],
  constants: { n: "u32", accumulateGate: "u32", accumulateUp: "u32" },
  writes: { dGate: { addedIf: "accumulateGate" }, dUp: { addedIf: "accumulateUp" } },
  halves: ["gate", "up", "dY", "dGate", "dUp"],
  sizes: ({ n }) => ({ gate: n, up: n, dY: n, dGate: n, dUp: n }),
  flops: ({ n, accumulateGate, accumulateUp }) => otherFlops((20 + accumulateGate + accumulateUp) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulateGate: 1, accumulateUp: 0 } })),
});

/** How GELU is computed. */
export interface GeluOptions {
  /** By the normal distribution, as it is defined (GPT-NeoX), or by tanh (GPT-2); default: `"tanh"`. */
  readonly form?: "tanh" | "erf";
}

/**
 * The Gaussian error linear unit, x · Φ(x), elementwise. Φ(x) has an error of up to 6 · 2⁻²⁴ of its value, and where it
 * nears 0, of about x² · 2⁻²⁴.
 *
 * @returns The shape of `x`.
 * @throws {RangeError} If there is no such form.
 *
 * Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
 */
export function gelu(graph: Graph, x: Tensor, { form = "tanh" }: GeluOptions = {}): Tensor {
  if (form !== "tanh" && form !== "erf") {
    throw new RangeError(`Cannot apply gelu: got form ${String(form)}, must be tanh or erf`);
  }
  const n = x.size;
  const exact = form === "erf" ? 1 : 0;
  const y = graph.activation(`gelu(${x.name})`, x.shape);
  graph.call(geluForward, { inputs: { x }, outputs: { y }, constants: { n, exact } });
  return graph.record({
    op: "gelu",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(geluBackward, { inputs: { x, dY }, outputs: { dX }, constants: { n, exact, accumulate } });
    },
  });
}

/**
 * The gated unit of the GEGLU feed-forward: gelu(gate) · up, with gelu's approximation by tanh.
 *
 * @param gate w1 x, (…, dFf)
 * @param up w3 x, (…, dFf)
 * @returns (…, dFf)
 *
 * Source: Shazeer 2020, arXiv:2002.05202.
 */
export function geglu(graph: Graph, gate: Tensor, up: Tensor): Tensor {
  requireSameShape("geglu", gate, up);
  const n = gate.size;
  const y = graph.activation(`geglu(${gate.name})`, gate.shape);
  graph.call(gegluForward, { inputs: { gate, up }, outputs: { y }, constants: { n } });
  return graph.record({
    op: "geglu",
    inputs: [gate, up],
    output: y,
    backward: (dY, gradients) => {
      const toGate = gradients.into(gate);
      const toUp = gradients.into(up);
      graph.call(gegluBackward, {
        inputs: { gate, up, dY },
        outputs: { dGate: toGate.target, dUp: toUp.target },
        constants: { n, accumulateGate: toGate.accumulate, accumulateUp: toUp.accumulate },
      });
    },
  });
}
