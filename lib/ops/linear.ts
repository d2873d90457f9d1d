import type { Graph } from "../graph/graph.ts";
import { defineKernel, matmulFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { addBiasKernel } from "./add_bias.ts";
import { linearBf16BackwardInput, linearBf16BackwardWeight, linearBf16Forward } from "./linear_bf16.ts";
import { dequantizeWeight, linearQuantizedForward } from "./linear_quantized.ts";
import { QuantizedTensor } from "./quantized_tensor.ts";
import { requireShape } from "./shapes.ts";
import { sumDimension } from "./sum_dimension.ts";

/**
 * Sizes to try the products with: one row, and several that divide evenly or not; then large enough for the largest tiles
 * and for split sums.
 */
const SIZES = [
  { rows: 1, I: 260, O: 9 },
  { rows: 5, I: 7, O: 6 },
  { rows: 67, I: 45, O: 83 },
  { rows: 64, I: 96, O: 32 },
];
const LARGE_SIZES = [
  { rows: 2048, I: 32, O: 2048 },
  { rows: 32, I: 2048, O: 2048 },
  { rows: 4096, I: 256, O: 256 },
];

/** Tries with these sizes, and other constants beside them. */
function triesWith<C>(others: C) {
  return [
    ...SIZES.map((sizes) => ({ constants: { ...sizes, ...others } })),
    ...LARGE_SIZES.map((sizes) => ({ constants: { ...sizes, ...others }, large: true })),
  ];
}

/** y = x Wᵀ. x: (rows, I), weight: (O, I), y: (rows, O). */
export const linearForward = defineKernel({
  name: "linear_forward",
  inputs: ["x", "weight"],
  outputs: ["y"],
  constants: { rows: "u32", I: "u32", O: "u32" },
  halves: ["x", "weight", "y"],
  sizes: ({ rows, I, O }) => ({ x: rows * I, weight: O * I, y: rows * O }),
  flops: ({ rows, I, O }) => matmulFlops(2 * rows * I * O),
  tries: triesWith({}),
});

/** dX (+)= dY W. dY: (rows, O), weight: (O, I), dX: (rows, I). */
export const linearBackwardInput = defineKernel({
  name: "linear_backward_input",
  inputs: ["dY", "weight"],
  outputs: ["dX"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["dY", "weight", "dX"],
  sizes: ({ rows, I, O }) => ({ dY: rows * O, weight: O * I, dX: rows * I }),
  flops: ({ rows, I, O, accumulate }) => matmulFlops(2 * rows * I * O, rows * I * accumulate),
  tries: triesWith({ accumulate: 0 }),
});

/** dW (+)= dYᵀ x. dY: (rows, O), x: (rows, I), dW: (O, I). */
export const linearBackwardWeight = defineKernel({
  name: "linear_backward_weight",
  inputs: ["dY", "x"],
  outputs: ["dWeight"],
  constants: { rows: "u32", I: "u32", O: "u32", accumulate: "u32" },
  writes: { dWeight: { addedIf: "accumulate" } },
  halves: ["dY", "x"],
  sizes: ({ rows, I, O }) => ({ dY: rows * O, x: rows * I, dWeight: O * I }),
  flops: ({ rows, I, O, accumulate }) => matmulFlops(2 * rows * I * O, O * I * accumulate),
  tries: triesWith({ accumulate: 1 }),
});

/** Rows up to which the numbers of a weight in bf16 or int8 are made in registers; beyond, in memory, once for all rows. */
const MAX_FEW_ROWS = 16;
/** The products, by how a graph computes them. */
const PRODUCTS = {
  exact: { forward: linearForward, backwardInput: linearBackwardInput, backwardWeight: linearBackwardWeight },
  bf16: {
    forward: linearBf16Forward,
    backwardInput: linearBf16BackwardInput,
    backwardWeight: linearBf16BackwardWeight,
  },
};

/** The products of a linear map's passes in a graph: in bf16, their operands are rounded. */
export function linearProducts({ precision }: Graph): typeof PRODUCTS.exact {
  return precision === "bf16" ? PRODUCTS.bf16 : PRODUCTS.exact;
}

/**
 * A linear map: y = x Wᵀ, or y = x Wᵀ + bias.
 *
 * @param x (…, inFeatures)
 * @param weight (outFeatures, inFeatures)
 * @param bias (outFeatures)
 * @returns (…, outFeatures)
 * @throws {RangeError} If the last dimensions differ, or the bias has another size.
 * @throws {TypeError} If `weight` is a {@linkcode QuantizedTensor} in a graph of f16.
 */
export function linear(graph: Graph, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [O, I] = weight.shape;
  if (weight.shape.length !== 2 || x.lastDim !== I) {
    throw new RangeError(`Cannot apply linear: got ${x} and ${weight}, must be (…, in) and (out, in)`);
  }
  if (bias) requireShape("linear", bias, [O]);
  if (weight instanceof QuantizedTensor) return quantized(graph, x, weight, bias);
  const rows = x.rows;
  const products = linearProducts(graph);
  const y = graph.activation(`linear(${weight.name})`, [...x.shape.slice(0, -1), O]);
  const operands = { x: graph.operand(x), weight: graph.operand(weight) };
  graph.call(products.forward, { inputs: operands, outputs: { y }, constants: { rows, I, O } });
  if (bias) graph.call(addBiasKernel, { inputs: { bias }, outputs: { y }, constants: { rows, D: O } });
  return graph.record({
    op: "linear",
    inputs: bias ? [x, weight, bias] : [x, weight],
    output: y,
    backward: (dY, gradients) => {
      if (bias && gradients.wants(bias)) {
        const { target, accumulate } = gradients.into(bias);
        sumDimension(graph, dY, target, { outer: 1, length: rows, inner: O }, 1, accumulate);
      }
      if (gradients.wants(weight)) {
        const { target: dWeight, accumulate } = gradients.into(weight);
        graph.call(products.backwardWeight, {
          inputs: { dY, x: operands.x },
          outputs: { dWeight },
          constants: { rows, I, O, accumulate },
        });
      }
      if (gradients.wants(x)) {
        const { target: dX, accumulate } = gradients.into(x);
        graph.call(products.backwardInput, {
          inputs: { dY, weight: operands.weight },
          outputs: { dX },
          constants: { rows, I, O, accumulate },
        });
      }
    },
  });
}

/** The same of a weight that has no gradient: nor has what it is applied to. */
function quantized(graph: Graph, x: Tensor, weight: QuantizedTensor, bias: Tensor | undefined): Tensor {
  if (graph.precision !== "f32") {
    throw new TypeError(`Cannot apply linear: got ${weight} in a graph of ${graph.precision}, must be one of f32`);
  }
  const [O, I] = weight.shape;
  const { words, scales, bits } = weight;
  const rows = x.rows;
  const y = graph.activation(`linear(${weight.name})`, [...x.shape.slice(0, -1), O]);
  if (rows <= MAX_FEW_ROWS) {
    const inputs = { x, weight: words, scales };
    graph.call(linearQuantizedForward, { inputs, outputs: { y }, constants: { rows, I, O, bits } });
  } else {
    const floats = new Tensor(`${weight.name} in f32`, [O, I]);
    const inputs = { weight: words, scales };
    graph.call(dequantizeWeight, { inputs, outputs: { y: floats }, constants: { I, O, bits } });
    graph.call(linearForward, { inputs: { x, weight: floats }, outputs: { y }, constants: { rows, I, O } });
  }
  if (bias) graph.call(addBiasKernel, { inputs: { bias }, outputs: { y }, constants: { rows, D: O } });
  return graph.record({
    op: "linear",
    inputs: [x],
    output: y,
    backward: () => {
      throw new TypeError(`Cannot find the gradient of linear: got ${weight}, must be a weight in f32`);
    },
  });
}
