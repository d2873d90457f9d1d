import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireSameShape } from "./shapes.ts";

/** y = silu(gate) · up, elementwise over n. */
export const swigluForward = defineKernel({
  name: "swiglu_forward",
  inputs: ["gate", "up"],
  outputs: ["y"],
  constants: { n: "u32" },
  halves: ["gate", "up", "y"],
  sizes: ({ n }) => ({ gate: n, up: n, y: n }),
  flops: ({ n }) => otherFlops(5 * n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/** dGate (+)= dY · up · silu′(gate); dUp (+)= dY · silu(gate). */
export const swigluBackward = defineKernel({
  name: "swiglu_backward",
  inputs: ["gate", "up", "dY"],
  outputs: ["dGate", "dUp"],
  constants: { n: "u32", accumulateGate: "u32", accumulateUp: "u32" },
  writes: { dGate: { addedIf: "accumulateGate" }, dUp: { addedIf: "accumulateUp" } },
  halves: ["gate", "up", "dY", "dGate", "dUp"],
  sizes: ({ n }) => ({ gate: n, up: n, dY: n, dGate: n, dUp: n }),
  flops: ({ n, accumulateGate, accumulateUp }) => otherFlops((12 + accumulateGate + accumulateUp) * n),
  tries: [6321, 6324].map((n) => ({ constants: { n, accumulateGate: 1, accumulateUp: 0 } })),
});

/**
 * The gated unit at the heart of the SwiGLU feed-forward: silu(gate) · up.
 *
 * @param gate w1 x, (…, dFf)
 * @param up w3 x, (…, dFf)
 * @returns (…, dFf)
 *
 * Source: Shazeer 2020, arXiv:2002.05202.
 */
export function swiglu(graph: Graph, gate: Tensor, up: Tensor): Tensor {
  requireSameShape("swiglu", gate, up);
  const n = gate.size;
  const y = graph.activation(`swiglu(${gate.name})`, gate.shape);
  graph.call(swigluForward, { inputs: { gate, up }, outputs: { y }, constants: { n } });
  return graph.record({
    op: "swiglu",
    inputs: [gate, up],
    output: y,
    backward: (dY, gradients) => {
      const toGate = gradients.into(gate);
      const toUp = gradients.into(up);
      graph.call(swigluBackward, {
        inputs: { gate, up, dY },
        outputs: { dGate: toGate.target, dUp: toUp.target },
        constants: { n, accumulateGate: toGate.accumulate, accumulateUp: toUp.accumulate },
      });
    },
  });
}
