import type { Graph } from "../graph/graph.ts";
import { defineKernel } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";

/** y = x Wᵀ. x: (rows, I), weight: (O, I), y: (rows, O). */
export const linearForward = defineKernel({
  name: "linear_forward",
  inputs: ["x", "weight"],
  outputs: ["y"],
  constants: { rows: "u32", I: "u32", O: "u32" },
});

/** dX (+)= dY W. dY: (rows, O), weight: (O, I), dX: (rows, I). */
export const linearBackwardInput = defineKernel({
  name: "linear_backward_input",
  inputs: ["dY", "weight"],
  outputs: ["dX"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
});

/** dW (+)= dYᵀ x. dY: (rows, O), x: (rows, I), dW: (O, I). */
export const linearBackwardWeight = defineKernel({
  name: "linear_backward_weight",
  inputs: ["dY", "x"],
  outputs: ["dWeight"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
});

/**
 * A linear map without bias: y = x Wᵀ.
 *
 * @param x (…, inFeatures)
 * @param weight (outFeatures, inFeatures)
 * @returns (…, outFeatures)
 * @throws {RangeError} If the last dimensions differ.
 */
export function linear(graph: Graph, x: Tensor, weight: Tensor): Tensor {
  const [O, I] = weight.shape;
  if (weight.shape.length !== 2 || x.lastDim !== I) {
    throw new RangeError(`Cannot apply linear: got ${x} and ${weight}, must be (…, in) and (out, in)`);
  }
  const rows = x.rows;
  const y = graph.activation(`linear(${weight.name})`, [...x.shape.slice(0, -1), O]);
  const operands = { x: graph.operand(x), weight: graph.operand(weight) };
  graph.call(linearForward, { inputs: operands, outputs: { y }, constants: { rows, I, O } });
  return graph.record({
    op: "linear",
    inputs: [x, weight],
    output: y,
    backward: (dY, gradients) => {
      if (gradients.wants(weight)) {
        const { target: dWeight, accumulate } = gradients.into(weight);
        graph.call(linearBackwardWeight, {
          inputs: { dY, x: operands.x },
          outputs: { dWeight },
          constants: { rows, I, O, accumulate },
        });
      }
      if (gradients.wants(x)) {
        const { target: dX, accumulate } = gradients.into(x);
        graph.call(linearBackwardInput, {
          inputs: { dY, weight: operands.weight },
          outputs: { dX },
          constants: { rows, I, O, accumulate },
        });
      }
    },
  });
}
