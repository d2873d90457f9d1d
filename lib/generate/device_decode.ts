import type { Backend } from "../backend/backend.ts";
import { releaseTensors } from "../backend/release.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import {
  type SampledTokens,
  sampledTokens,
  sampleTokens,
  type SamplingInputs,
  samplingInputs,
} from "../ops/sample_token.ts";
import type { Continuation } from "./continuation.ts";
import type { Decode } from "./decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import type { KvCache } from "../model/kv_cache.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { encodeSampling } from "./sampling.ts";
import type { NextTokens } from "./shared_steps.ts";

/** Steps of the first batch. */
const FIRST_STEPS = 4;

/**
 * How long a batch should take: so long that a read-back hardly counts, and so short that tokens still seem to flow.
 */
const BATCH_MILLISECONDS = 100;

/**
 * Takes many steps between two read-backs: the device chooses each token and feeds it to the next step. Reading from a
 * GPU takes at least 10 ms, whatever the size, and in that time a small model could have made many tokens.
 */
export class DeviceDecode implements Decode {
  readonly #backend: Backend;
  readonly #compiled: CompiledGraph;
  readonly #inputs: SamplingInputs;
  readonly #tokens: SampledTokens;
  #steps = FIRST_STEPS;

  private constructor(backend: Backend, compiled: CompiledGraph, inputs: SamplingInputs, tokens: SampledTokens) {
    this.#backend = backend;
    this.#compiled = compiled;
    this.#inputs = inputs;
    this.#tokens = tokens;
  }

  /** Loads the program. `layers` decides the number of lanes. */
  static async load(
    backend: Backend,
    model: LanguageModel,
    layers: KvCache["layers"],
    drawable: DrawableIds,
  ): Promise<DeviceDecode> {
    const [lanes, contextLength] = layers[0].keys.shape;
    const graph = new Graph();
    const inputs = samplingInputs(graph, lanes, model.config.vocabSize);
    // The last place is for the token after a full context, which then slides.
    const tokens = sampledTokens(lanes, contextLength + 1);
    const logits = model.forward(graph, tokens.ids, { cache: { start: inputs.start, layers } });
    sampleTokens(graph, logits, inputs, tokens);
    const compiled = await compile(backend, graph);
    compiled.set(inputs.drawable, drawable.bits);
    return new DeviceDecode(backend, compiled, inputs, tokens);
  }

  async run(texts: readonly Continuation[]): Promise<NextTokens> {
    const { context: { length }, remaining } = texts.find(({ isOver }) => !isOver)!;
    const row = this.#tokens.context.lastDim;
    const steps = Math.min(this.#steps, row - length, remaining);
    const begin = performance.now();
    this.#writeTokens(texts);
    this.#compiled.set(this.#inputs.options, encodeSampling(texts[0].options));
    for (let step = 0; step < steps; step++) await this.#step(texts, length - 1 + step, step);
    const all = await this.#compiled.read(this.#tokens.context);
    if (steps === this.#steps) this.#adapt(performance.now() - begin);
    return texts.map((_, i) => [...all.subarray(i * row + length, i * row + length + steps)]);
  }

  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
    releaseTensors(this.#backend, [this.#tokens.ids, this.#tokens.context, this.#inputs.drawable]);
  }

  #writeTokens(texts: readonly Continuation[]): void {
    const { ids, context } = this.#tokens;
    const words = new Uint32Array(context.size);
    texts.forEach((text, i) => words.set(text.context, i * context.lastDim));
    this.#compiled.set(context, words);
    this.#compiled.set(ids, texts.map((text) => text.context.at(-1)!));
  }

  async #step(texts: readonly Continuation[], position: number, ahead: number): Promise<void> {
    const { start, uniforms } = this.#inputs;
    this.#compiled.set(start, [position]);
    // Random numbers from the host are the same on every backend, and cost the device nothing.
    this.#compiled.set(uniforms, texts.map((text) => text.uniform(ahead)));
    await this.#compiled.run();
  }

  #adapt(milliseconds: number): void {
    if (milliseconds < BATCH_MILLISECONDS) this.#steps *= 2;
    else if (milliseconds > 2 * BATCH_MILLISECONDS) this.#steps = Math.max(1, this.#steps >> 1);
  }
}
