import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { requireBelow, requireShape } from "./shapes.ts";

/**
 * Chooses the token that follows each lane's sequence, as `sampleToken` of lib/generate/sampling.ts does after
 * `penalizeRepetition`, in f32: ids[b] = context[b, start[0] + 1] = the choice.
 * logits: (B, V); start: (1) u32; uniforms: (B) in [0, 1); options: see `SAMPLING_OPTIONS`; drawable: (⌈V / 32⌉) u32, a
 * bit for each id; ids: (B) u32; context: (B, S) u32, read up to start[0] and written after it.
 * The choice is `NO_TOKEN` where there is none: a logit is NaN or infinite.
 * In `kernels/wgsl` alone: where the host reads logits in no time, it chooses itself.
 */
export const sampleTokenKernel = defineKernel({
  name: "sample_token",
  inputs: ["logits", "start", "uniforms", "options", "drawable"],
  outputs: ["ids", "context"],
  integers: ["start", "drawable", "ids", "context"],
  constants: { B: "u32", V: "u32", S: "u32" },
  writes: { context: "updated" },
  sizes: ({ B, V, S }) => ({
    logits: B * V,
    start: 1,
    uniforms: B,
    options: SAMPLING_OPTIONS.length,
    drawable: Math.ceil(V / 32),
    ids: B,
    context: B * S,
  }),
  below: ({ S }) => ({ start: S - 1 }),
  // As with top-p alone: 16 passes, each with a weight, 16 comparisons and 16 sums for every token.
  flops: ({ B, V }) => otherFlops(16 * (4 + 2 * 16) * B * V),
});

/** What a device chooses where there is nothing to choose from; no token's id. */
export const NO_TOKEN = 0xffffffff;

/**
 * What `options` holds, in this order; 0 in the first place takes the likeliest token. The margin says how far below the
 * largest logit one may lie that min-p keeps: −temperature · log(minP).
 */
export const SAMPLING_OPTIONS = ["1 / temperature", "topK", "margin", "topP", "penalty", "1 / penalty"] as const;

/** What `sampleTokens` reads besides the logits, all written by the host. */
export interface SamplingInputs {
  /** (1) of type u32: the position of each lane's newest token. */
  readonly start: Tensor;
  /** (B): a random number in [0, 1) for each lane. */
  readonly uniforms: Tensor;
  /** One number for each of `SAMPLING_OPTIONS`. */
  readonly options: Tensor;
  /** (⌈vocabulary / 32⌉) of type u32: bit i mod 32 of word ⌊i / 32⌋ says whether id i may be drawn. */
  readonly drawable: Tensor;
}

/** What `sampleTokens` writes. */
export interface SampledTokens {
  /** (B, 1) of type u32: the tokens chosen, which the next step feeds. */
  readonly ids: Tensor;
  /** (B, S) of type u32: each lane's tokens; the one chosen at position p goes to p + 1. */
  readonly context: Tensor;
}

/**
 * Declares the inputs of a graph that chooses tokens. Which ids may be drawn has a storage of its own: it is written once.
 */
export function samplingInputs(graph: Graph, lanes: number, vocabSize: number): SamplingInputs {
  return {
    drawable: stored("drawable ids", [Math.ceil(vocabSize / 32)]),
    start: graph.input("start", [1], { dtype: "u32" }),
    uniforms: graph.input("uniforms", [lanes]),
    options: graph.input("options", [SAMPLING_OPTIONS.length]),
  };
}

/**
 * Makes the tensors that keep the tokens from run to run, with storages of their own.
 * @param length Tokens of a lane at most, those that are chosen included.
 */
export function sampledTokens(lanes: number, length: number): SampledTokens {
  return { ids: stored("newest tokens", [lanes, 1]), context: stored("tokens", [lanes, length]) };
}

/** Integers with a storage of their own. */
function stored(name: string, shape: readonly number[]): Tensor {
  const storage = new DeviceStorage(name, shape.reduce((product, n) => product * n, BYTES_PER_ELEMENT));
  return new Tensor(name, shape, { dtype: "u32", placement: { storage, byteOffset: 0 } });
}

/**
 * Chooses a token for each lane on the device, so that the next step needs nothing from the host but its position.
 * @param logits (…, V), one row for each lane.
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If integers are given for floating-point numbers, or the other way round.
 */
export function sampleTokens(
  graph: Graph,
  logits: Tensor,
  { start, uniforms, options, drawable }: SamplingInputs,
  { ids, context }: SampledTokens,
): void {
  const [B, V, S] = [logits.rows, logits.lastDim, context.lastDim];
  requireShape("sampleTokens", start, [1]);
  requireShape("sampleTokens", uniforms, [B]);
  requireShape("sampleTokens", options, [SAMPLING_OPTIONS.length]);
  requireShape("sampleTokens", drawable, [Math.ceil(V / 32)]);
  requireShape("sampleTokens", ids, [B, 1]);
  requireShape("sampleTokens", context, [B, S]);
  requireBelow("sampleTokens", start, S - 1);
  requireBelow("sampleTokens", context, V);
  graph.call(sampleTokenKernel, {
    inputs: { logits, start, uniforms, options, drawable },
    outputs: { ids, context },
    constants: { B, V, S },
  });
}
