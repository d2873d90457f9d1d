import type { Graph } from "../graph/graph.ts";
import { align, plan } from "../graph/plan.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type CachingModel, hasCache, type LanguageModel } from "../model/language_model.ts";
import { firstLanes, programSizes, traceSlots } from "./slots.ts";
import { traceCachedForward } from "./cached_forward.ts";
import { prefillTokens } from "./cached_sequences.ts";
import { traceLaneFill } from "./lane_fill.ts";
import { traceWholeSequence } from "./whole_sequences.ts";

/**
 * Bytes of device memory that a generator takes for one text, with the model's weights: the arrays of its programs, as they
 * are planned, without the programs themselves. Nothing is allocated.
 */
export function generationBytes(model: LanguageModel): number {
  const layers = hasCache(model) ? model.createCache(1) : undefined;
  const traced = layers === undefined
    ? [traceWholeSequence(model)]
    : [prefillTokens(model), 1].map((tokens) => traceCachedForward(model, layers, tokens));
  return bytesOfPrograms(model, traced);
}

/** The same of an engine that continues several texts together. */
export function batchBytes(model: CachingModel, slots: number): number {
  const sizes = programSizes(slots);
  const layers = model.createCache(sizes.at(-1)!);
  const single = model.createCache(1);
  return bytesOfPrograms(model, [
    traceCachedForward(model, single, prefillTokens(model)),
    traceLaneFill(single, layers),
    ...sizes.map((count) => traceSlots(model, firstLanes(layers, count), count)),
  ]);
}

function bytesOfPrograms(
  model: LanguageModel,
  traced: readonly { readonly graph: Graph; readonly logits?: Tensor }[],
): number {
  const programs = traced.map(({ graph, logits }) => plan(graph, { keep: logits ? [logits] : [] }));
  const storages = new Set([model.parameters.flat.placement!.storage, ...programs.flatMap(({ storages }) => storages)]);
  return [...storages].reduce((sum, { bytes }) => sum + align(bytes), 0);
}
