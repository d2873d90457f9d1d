import type { Graph } from "../../graph/graph.ts";
import { Tensor } from "../../graph/tensor.ts";
import { requireSameShape, requireShape } from "../../ops/shapes.ts";
import { adamwOptimizer } from "./adamw.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { axpbyKernel, divideByNormKernel, muonMomentumKernel, muonUpdateKernel } from "./muon_kernels.ts";
import { newtonSchulz, newtonSchulzFlops } from "./newton_schulz.ts";
import { meanDecay, nonNegativeNumber, positiveNumber } from "./number_option.ts";

/** The optimizer's fixed numbers. */
export interface MuonOptions {
  /** Decay of the momentum: 0 or more, below 1. */
  readonly momentum: number;
  /** The learning rate of Muon's matrices as a multiple of the step's, which all other parameters have; above 0. */
  readonly muonLrScale: number;
  /** Share of a weight that is taken off per step, times the learning rate. */
  readonly weightDecay: number;
}

/** Everything one step of one matrix reads and writes. */
export interface MuonTensors {
  /** (rows, columns); read and written. */
  readonly parameters: Tensor;
  /** (rows, columns); of the loss, before clipping. */
  readonly gradients: Tensor;
  /** (rows, columns); read and written. */
  readonly momentum: Tensor;
  /** (2): the gradient norm and the factor that clips it. */
  readonly clip: Tensor;
  /** (1), written by the host before each step: the learning rate of Muon's matrices. */
  readonly schedule: Tensor;
}

/** Parameters that are looked up by a token or a position, or map to one: their rows are no directions of one space. */
const LOOKED_UP = /^(token_embeddings|position_embeddings|lm_head)\.|\.value_embeddings\./;

/**
 * Appends the update of one matrix: its gradient's running mean, made orthogonal, is the direction, so that no direction
 * of the gradient is small beside another. The step is √max(1, rows / columns) times the learning rate.
 *
 * @throws {RangeError} If the shapes do not fit, or it is not a matrix.
 *
 * Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; the same order of operations as
 * torch.optim.Muon; in float32, but for the products in a graph of bf16.
 */
export function muon(graph: Graph, tensors: MuonTensors, options: Omit<MuonOptions, "muonLrScale">): void {
  const { parameters, gradients, momentum, clip, schedule } = tensors;
  if (parameters.shape.length !== 2) throw new RangeError(`Cannot apply muon: got ${parameters}, must be a matrix`);
  for (const other of [gradients, momentum]) requireSameShape("muon", parameters, other);
  requireShape("muon", clip, [2]);
  requireShape("muon", schedule, [1]);
  const [rows, columns] = parameters.shape;
  const n = parameters.size;
  const direction = new Tensor(`direction of ${parameters.name}`, parameters.shape);
  graph.call(muonMomentumKernel, {
    inputs: { gradients, clip },
    outputs: { momentum, direction },
    constants: { n, beta: options.momentum },
  });
  const orthogonal = newtonSchulz(graph, direction);
  graph.call(muonUpdateKernel, {
    inputs: { direction: orthogonal, clip, schedule },
    outputs: { parameters },
    constants: { n, factor: Math.sqrt(Math.max(1, rows / columns)), weightDecay: options.weightDecay },
  });
}

/**
 * Muon for the matrices inside blocks, and AdamW for all else: embeddings, the output head, norms and biases.
 *
 * FLOPs by the convention of AdamW's: each parameter's own additions and products, and apart from these the matrix
 * products of the Newton–Schulz steps.
 */
export const muonOptimizer: OptimizerDefinition<MuonOptions> = {
  name: "muon",
  title: "Muon",
  kernels: [muonMomentumKernel, divideByNormKernel, axpbyKernel, muonUpdateKernel],
  options: {
    momentum: meanDecay(0.95),
    muonLrScale: positiveNumber(7),
    weightDecay: nonNegativeNumber(0.1),
  },
  state: { momentum: "momentum" },
  takes: ({ name, shape }) => shape.length === 2 && !LOOKED_UP.test(name),
  others: adamwOptimizer,
  perParameter: true,
  schedule: ({ muonLrScale }) => [{ value: (lr) => muonLrScale * lr }],
  update(graph, { state, ...tensors }, options) {
    muon(graph, { ...tensors, momentum: state.momentum }, options);
  },
  work: [
    { name: "momentum", formula: "m = β·m + (1−β)·g", flops: 3 },
    { name: "direction", formula: "u = β·m + (1−β)·g", flops: 3 },
    { name: "norm", formula: "u/max(‖u‖, ε)", flops: 3 },
    { name: "update", formula: "θ − lr·f·u", flops: 2 },
    { name: "decay", formula: "θ·(1 − lr·λ)", flops: 1 },
  ],
  productFlops: ({ shape: [rows, columns] }) => newtonSchulzFlops(rows, columns),
};
