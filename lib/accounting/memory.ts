import type { OptimizerName } from "../train/optimizer/registry.ts";
import { type ActivationOptions, countActivations } from "./activations.ts";
import { stateArrays } from "./optimizer.ts";
import { countParameters } from "./parameters.ts";
import { type PrecisionName, PRECISIONS } from "./precision.ts";
import { attentionWidths, type ModelShape } from "./shape.ts";

/** Options that decide how much memory training takes. */
export interface MemoryOptions extends ActivationOptions {
  /** Default: f32. */
  readonly precision?: PrecisionName;
  /** AdamW (default) keeps two moments per parameter, SGD none. */
  readonly optimizer?: OptimizerName;
}

/** Bytes. */
export interface TrainingMemory {
  /** Weights, with their float32 copy in mixed precision. */
  readonly parameters: number;
  /** One per parameter, in the precision's format. */
  readonly gradients: number;
  /** What the optimizer keeps: AdamW two moments, SGD nothing. */
  readonly optimizer: number;
  /** What the forward pass keeps for the backward pass, for the whole batch. */
  readonly activations: number;
  /** The sum of the four. */
  readonly total: number;
}

/**
 * Memory of a training step at its peak: parameters P = `countParameters`, gradients P, optimizer state 2P,
 * activations A·b as in activations.ts, each times the precision's bytes. In float32: 16·P + 4·A·b.
 * Leaves out the work buffers of single ops, and what allocators waste.
 */
export function trainingMemory(shape: ModelShape, options: MemoryOptions = {}): TrainingMemory {
  const bytes = PRECISIONS[options.precision ?? "f32"];
  const count = countParameters(shape);
  const parameters = count * (bytes.weights + bytes.master);
  const gradients = count * bytes.gradients;
  const optimizer = stateArrays(options.optimizer) * count * bytes.moments;
  const activations = countActivations(shape, options) * bytes.activations;
  return { parameters, gradients, optimizer, activations, total: parameters + gradients + optimizer + activations };
}

/** The largest batch whose training step fits: ⌊(capacity − fixed) / bytes per sequence⌋; 0 if not even one does. */
export function largestBatch(shape: ModelShape, capacity: number, options: MemoryOptions = {}): number {
  const { total, activations } = trainingMemory(shape, { ...options, batchSize: 1 });
  return Math.max(0, Math.floor((capacity - (total - activations)) / activations));
}

/** One way to train, and the largest batch that fits. */
export interface BatchChoice {
  /** The format of weights, gradients and activations. */
  readonly precision: PrecisionName;
  /** Whether attention's scores are kept, or computed again in the backward pass. */
  readonly attention: "stored" | "flash";
  /** Whether each layer keeps only its input and computes the rest again. */
  readonly checkpointing: boolean;
  /** Whether the head's weights are the embedding's. */
  readonly tieEmbeddings: boolean;
  /** Sequences; 0 if not even one fits. */
  readonly batch: number;
}

/** The largest batch in `capacity` bytes for every combination of the choices that change memory. */
export function batchChoices(shape: ModelShape, capacity: number, seqLen = shape.contextLength): BatchChoice[] {
  const choices: BatchChoice[] = [];
  for (const precision of ["f32", "mixed-bf16", "bf16"] as const) {
    for (const attention of ["stored", "flash"] as const) {
      for (const checkpointing of [false, true]) {
        for (const tieEmbeddings of [false, true]) {
          const options = { precision, attention, checkpointing, seqLen };
          const batch = largestBatch({ ...shape, tieEmbeddings }, capacity, options);
          choices.push({ precision, attention, checkpointing, tieEmbeddings, batch });
        }
      }
    }
  }
  return choices;
}

/** Bytes of keys and values that generation keeps for each token: 2·n·k numbers, k = d unless keys are shared. */
export function kvCacheBytesPerToken(shape: ModelShape, precision: PrecisionName = "f32"): number {
  return 2 * shape.numLayers * attentionWidths(shape).k * PRECISIONS[precision].activations;
}

/** Bytes of weights and of a full KV cache of `batchSize` sequences: what generation takes. */
export function generationMemory(
  shape: ModelShape,
  precision: PrecisionName = "f32",
  batchSize = 1,
): { readonly weights: number; readonly kvCache: number; readonly total: number } {
  const weights = countParameters(shape) * PRECISIONS[precision].weights;
  const kvCache = batchSize * shape.contextLength * kvCacheBytesPerToken(shape, precision);
  return { weights, kvCache, total: weights + kvCache };
}
