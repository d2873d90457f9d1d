// Which models and batches fit on a device that is not here.
import type { Device } from "../accounting/devices.ts";
import { largestPlannedBatch } from "../accounting/planned_memory.ts";
import { formatCount, formatSi } from "../accounting/units.ts";
import { BYTES_PER_ELEMENT } from "../graph/tensor.ts";
import { withDefaults } from "../model/architecture.ts";
import type { ModelConfig } from "../model/config.ts";
import { Transformer } from "../model/transformer.ts";

/** Bytes that a run may take. */
export interface Room {
  /** Of the device's memory. */
  readonly memory: number;
  /** Of one array. */
  readonly array: number;
}

/** What a model can be too large for. */
export type RoomLimit = keyof Room;

/** The share of a device's memory that a plan fills: the rest is for the driver, the inputs and validations. */
export const MEMORY_SHARE = 0.9;

/**
 * The largest array that a kernel can take through Deno's WebGPU, as it was on an NVIDIA H100 (data/benchmarks/h100):
 * 2^31 − 4 bytes. All weights lie in one array, and so do a batch's logits.
 */
const MAX_ARRAY_BYTES = 2 ** 31 - 4;

/** Tokens of a step where memory and the length of the run allow it: 128 windows of 256, as the course trains with. */
export const TOKENS_PER_STEP = 2 ** 15;

/** A run takes at least so many steps, or one sequence a step. */
export const MIN_STEPS = 500;

/** What a device has room for. */
export function roomOf({ memory }: Device): Room {
  return { memory: MEMORY_SHARE * memory, array: MAX_ARRAY_BYTES };
}

/** What not even one sequence of a model fits into, and that in words. */
export function tooLargeFor(
  model: ModelConfig,
  room: Room,
): { readonly limit: RoomLimit; readonly message: string } | undefined {
  const weights = BYTES_PER_ELEMENT * new Transformer(model).parameters.flat.size;
  const array = Math.max(weights, activationBytes(model));
  const of = `with a vocabulary of ${formatCount(model.vocabSize)} and dModel ${model.dModel}`;
  if (array > room.array) {
    const message = `got an array of ${formatSi(array, "B")} ${of}, must be at most the ${
      formatSi(room.array, "B")
    } of WebGPU`;
    return { limit: "array", message };
  }
  if (largestPlannedBatch(model, room.memory, {}) > 0) return undefined;
  const message = `got no room for one sequence ${of}, must fit into ${formatSi(room.memory, "B")} of memory`;
  return { limit: "memory", message };
}

/** A batch, how many make a step, and the most sequences that fit at once. */
export interface BatchThatFits {
  readonly batchSize: number;
  readonly gradAccumulation: number;
  readonly largest: number;
}

/**
 * The batch of a run of so many tokens: `TOKENS_PER_STEP` in a step, or fewer so that there are `MIN_STEPS`. What does
 * not fit at once is accumulated, in batches of the same size.
 */
export function chooseBatch(model: ModelConfig, room: Room, tokens: number): BatchThatFits {
  const wanted = Math.max(1, Math.floor(Math.min(TOKENS_PER_STEP, tokens / MIN_STEPS) / model.contextLength));
  const inArrays = Math.floor(room.array / activationBytes(model));
  const fits = (gradAccumulation: number) =>
    Math.min(inArrays, largestPlannedBatch(model, room.memory, { gradAccumulation }));
  const largest = fits(1);
  if (largest >= wanted) return { batchSize: wanted, gradAccumulation: 1, largest };
  // Gradients that are accumulated start from zeros, which take memory too.
  const gradAccumulation = Math.ceil(wanted / Math.max(1, fits(2)));
  return { batchSize: Math.max(1, Math.floor(wanted / gradAccumulation)), gradAccumulation, largest };
}

/** The largest array between two layers for one sequence: its logits, the hidden layer, or all heads' queries. */
function activationBytes(model: ModelConfig): number {
  const { contextLength, vocabSize, dFf, dModel, numHeads, headDim } = withDefaults(model);
  return BYTES_PER_ELEMENT * contextLength * Math.max(vocabSize, dFf, dModel, numHeads * headDim);
}
