// The course's adapters for training: loss, clipping, AdamW, the schedule, batches and checkpoints.
import { type Backend, tokensInMemory } from "@bytelm/bytelm";
import { randomBatch } from "@bytelm/bytelm/corpus";
import { Graph, runGraph } from "@bytelm/bytelm/graph";
import { crossEntropy } from "@bytelm/bytelm/ops";
import { clipGradNorm, cosineLearningRate, type CosineSchedule, TensorOptimizer } from "@bytelm/bytelm/train";
import { compute, type NdArray } from "./arrays.ts";

/** @param logits (N, vocabSize); targets: (N) */
export const runCrossEntropy = (backend: Backend, logits: NdArray, targets: NdArray) =>
  compute(backend, { logits, targets }, (graph, { logits, targets }) => crossEntropy(graph, logits, targets));

/** Scales gradients in place, so that their norm together is `maxNorm` at most. */
export async function runGradientClipping(
  backend: Backend,
  gradients: readonly Float32Array[],
  maxNorm: number,
): Promise<void> {
  const flat = gradients.flatMap((gradient) => [...gradient]);
  const graph = new Graph();
  const all = graph.input("gradients", [flat.length]);
  const [, factor] = await runGraph(backend, graph, clipGradNorm(graph, all, maxNorm), [[all, flat]]);
  for (const gradient of gradients) gradient.forEach((value, i) => gradient[i] = value * factor);
}

/** The numbers of AdamW but for the learning rate, which `step` takes. */
export interface AdamWNumbers {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** AdamW over any tensors. */
export function getAdamW(
  backend: Backend,
  tensors: Readonly<Record<string, NdArray>>,
  numbers: AdamWNumbers,
): Promise<TensorOptimizer> {
  const own = Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, values: data }]);
  return TensorOptimizer.create(backend, {
    tensors: Object.fromEntries(own),
    optimizer: { optimizer: "adamw", ...numbers },
  });
}

export const runGetLrCosineSchedule = (step: number, schedule: CosineSchedule) => cosineLearningRate(step, schedule);

/** The windows that a step of a training with this seed draws: inputs, and the same one token later. */
export const runGetBatch = (dataset: Uint32Array, batchSize: number, seqLen: number, seed: number, step: number) =>
  randomBatch(tokensInMemory(dataset), { batchSize, seqLen, vocabSize: 2 ** 32 }, seed, step);

export const runSaveCheckpoint = (optimizer: TensorOptimizer, iteration: number, path: string) =>
  optimizer.save(path, { iteration: String(iteration) });

/** Puts tensors and optimizer back where they were saved, and says at which iteration that was. */
export async function runLoadCheckpoint(path: string, optimizer: TensorOptimizer): Promise<number> {
  return Number((await optimizer.load(path)).iteration);
}
