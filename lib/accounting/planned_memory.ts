import { type OptimizerName, OPTIMIZERS } from "../train/optimizer/registry.ts";
import { stateElements } from "./optimizer.ts";
import { countParameters } from "./parameters.ts";
import { withDefaults } from "../model/architecture.ts";
import { attentionWidths, feedForwardMatrices, type ModelShape } from "./shape.ts";

/** Bytes that this project's own training step occupies. */
export interface PlannedMemory {
  /** The weights, in float32. */
  readonly parameters: number;
  /** Including, if gradients are accumulated, the zeros that they start from. */
  readonly gradients: number;
  /**
   * What goes on from step to step besides the weights: AdamW keeps two moments, Muon one momentum of its matrices, SGD
   * nothing; and the average of the weights, where one is kept.
   */
  readonly optimizer: number;
  /** Intermediates, in memory that the planner reuses. */
  readonly activations: number;
  /** The sum of the four. */
  readonly total: number;
}

/** A training step of this project. */
export interface PlannedStep {
  /** Sequences that go through the model together. */
  readonly batchSize: number;
  /** Default: the shape's context length. */
  readonly seqLen?: number;
  /** The format that it computes in; `"f32"` by default. */
  readonly dtype?: "f32" | "f16" | "bf16";
  /** Default: adamw. */
  readonly optimizer?: OptimizerName;
  /** Batches per step, whose gradients are summed; 1 by default. */
  readonly gradAccumulation?: number;
  /** The share of the training that weights are averaged over; without it there is no average. */
  readonly averageWeights?: number;
}

/** Bytes of a float32. */
const BYTES = 4;

/**
 * Predicts what the memory plan of this project's training step allocates: 16 bytes per parameter (8 with SGD);
 * where gradients are accumulated, as many zeros as the largest matrix has elements; and 4·b·s·(n·layer + rest) for
 * intermediates, where
 *
 * - layer = 8d + 3·dFf + h + 2: the input of each half, both normed inputs, rotated queries and keys, values, attention's
 *   output (8d), gate, up and their product (3·dFf), attention's softmax statistics (h), one statistic per norm (2).
 *   Without a gate 2·dFf; without norms 6d and no statistics. Where heads differ in number or size, 4d of the 8d are
 *   3q + k: rotated keys take the place that queries had before they were rotated (2q + 2k without rotations). Norms of
 *   queries and keys also keep what they norm (q + k), and a statistic for each (2, or one per head). LayerNorm has two
 *   statistics.
 * - rest = v + 2·max(dFf, d) + 3: logits, which their gradient overwrites (v), two working arrays that the linear maps'
 *   outputs and gradients pass through, and the statistics of the loss and of the final norm (3). With a cap of the
 *   logits, the capped ones take one of the two, which grows to v.
 *
 * With `dtype` f16: 2·b·s of all that is not the residual stream (2d of a layer's 8d) or a statistic, and 2 bytes for
 * each element of a linear map's weights, of which a step makes a copy. That is a lower bound: memory is reused by whole
 * arrays, and those of two bytes then take turns with those of four, at a loss of up to a fifth.
 * With bf16 it is as with f32, because products round what they read.
 *
 * It differs from `trainingMemory`, which keeps every op's output as a textbook does: here a rotation frees its input, a
 * residual sum its summands, silu(gate) is recomputed, attention keeps no s² term, and the logits' gradient takes their
 * place. It knows nothing of frozen parameters: a training's `predictModel` does. Left out, each far below 1 %: alignment
 * to 256 bytes, the inputs, the rotary tables, the logs of losses and norms, and partial sums.
 */
export function plannedTrainingMemory(
  shape: ModelShape,
  step: PlannedStep,
): PlannedMemory {
  const { batchSize, seqLen = shape.contextLength, dtype = "f32", optimizer = "adamw", gradAccumulation = 1 } = step;
  const { vocabSize: v, dModel: d, numLayers: n, numHeads: h, dFf } = shape;
  const { norm, qkNorm, numKeyValueHeads, position, logitSoftCap } = withDefaults(shape);
  const { q, k } = attentionWidths(shape);
  const hidden = feedForwardMatrices(shape) * dFf;
  const perNorm = { none: 0, rms: 1, layer: 2 }[norm];
  const perQueryAndKey = { none: 0, head: h + numKeyValueHeads, width: 2 }[qkNorm];
  const statistics = n * (h + 2 * perNorm + perQueryAndKey) + Math.max(3, 2 + perNorm);
  const stream = n * 2 * d;
  const rotated = position === "rope" ? 2 * q : q + k;
  const heads = rotated + q + k + (qkNorm === "none" ? 0 : q + k);
  const working = Math.max(dFf, d, q);
  const output = logitSoftCap === undefined ? v + 2 * working : v + Math.max(v, working) + working;
  const between = n * ((norm === "none" ? 0 : 2) * d + heads + hidden) + output;
  const parameters = BYTES * countParameters(shape);
  const perElement = dtype === "f16" ? 2 : BYTES;
  const copies = dtype === "f16" ? 2 * (n * (2 * d * (q + k) + hidden * d) + v * d) : 0;
  const forwardBackward = batchSize * seqLen * (BYTES * (stream + statistics) + perElement * between) + copies;
  const activations = forwardBackward + (gradAccumulation > 1 ? updateScratch(shape, optimizer) : 0);
  const longest = Math.max(v, dFf, d, q, position === "learned" ? shape.contextLength : 0);
  const table = withDefaults(shape).valueEmbeddings === "none" ? 0 : v * k;
  const zeros = gradAccumulation > 1 ? BYTES * Math.max(d * longest, table) : 0;
  const gradients = parameters + zeros;
  const average = step.averageWeights === undefined ? 0 : parameters;
  const moments = BYTES * stateElements(shape, optimizer) + average;
  return {
    parameters,
    gradients,
    optimizer: moments,
    activations,
    total: parameters + gradients + moments + activations,
  };
}

/**
 * Bytes that Muon works in: three arrays of its largest matrix. Unless gradients are accumulated, the update is part of the
 * program that has freed its activations by then, and works in their memory.
 */
function updateScratch(shape: ModelShape, optimizer: OptimizerName): number {
  const { dModel, dFf } = shape;
  const longest = Math.max(attentionWidths(shape).q, dFf);
  return OPTIMIZERS[optimizer].productFlops === undefined ? 0 : 3 * BYTES * dModel * longest;
}

/** The largest batch whose step this project can plan into this many bytes; 0 if not even one sequence fits. */
export function largestPlannedBatch(shape: ModelShape, capacity: number, step: Omit<PlannedStep, "batchSize">): number {
  const [one, two] = [1, 2].map((batchSize) => plannedTrainingMemory(shape, { ...step, batchSize }).total);
  const perSequence = two - one;
  return Math.max(0, Math.floor((capacity - (one - perSequence)) / perSequence));
}
