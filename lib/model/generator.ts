import type { Backend } from "../backend/backend.ts";
import { CachedForward } from "./cached_forward.ts";
import { Continuation, type ContinuationOptions } from "./continuation.ts";
import { type Decode, loadDecode } from "./decode.ts";
import { type KvCache, kvCacheLayers } from "./kv_cache.ts";
import { Lanes } from "./lanes.ts";
import { validateSampling } from "./sampling.ts";
import { type NextTokens, SharedSteps } from "./shared_steps.ts";
import type { Transformer } from "./transformer.ts";

/** How a text is continued. */
export interface GenerateOptions extends ContinuationOptions {
  /** Decides every choice. */
  readonly seed: number;
}

/** Prompt tokens that one run of the prefill program takes. */
const PREFILL_TOKENS = 64;

/**
 * Samples that go through the model together: as many rows as each backend's kernel for few rows is best at. All counts
 * up to there are summed in one order, or in two: one row alone, and several.
 */
const MAX_SAMPLES = { wasm: 12, webgpu: 4 } as const;

/**
 * Continues token sequences with a KV cache: one program takes a stretch of the prompt at a time, another one token.
 *
 * When the context is full it slides: the newest half of it is fed again from position 0, and generation goes on from
 * there. Positions are relative, so the model sees what it was trained on, at the cost of one prefill per half context.
 *
 * There is one cache: a text must be finished, or given up, before the next is begun.
 */
export class Generator {
  readonly #backend: Backend;
  readonly #model: Transformer;
  readonly #layers: KvCache["layers"];
  readonly #prefill: CachedForward;
  readonly #single: CachedForward;
  readonly #decode: Decode;
  #lanes: Lanes | undefined;

  private constructor(
    backend: Backend,
    model: Transformer,
    layers: KvCache["layers"],
    prefill: CachedForward,
    single: CachedForward,
    decode: Decode,
  ) {
    this.#backend = backend;
    this.#model = model;
    this.#layers = layers;
    this.#prefill = prefill;
    this.#single = single;
    this.#decode = decode;
  }

  /** Loads the programs. The weights are the caller's to write, before the first `generate`. */
  static async create(backend: Backend, model: Transformer): Promise<Generator> {
    const layers = kvCacheLayers(model.config, 1);
    const prefillTokens = Math.min(PREFILL_TOKENS, model.config.contextLength);
    const prefill = await CachedForward.load(backend, model, layers, prefillTokens);
    const single = await CachedForward.load(backend, model, layers, 1);
    const decode = await loadDecode(backend, model, layers, single);
    model.writeConstants(backend);
    return new Generator(backend, model, layers, prefill, single, decode);
  }

  /** How many samples `generateSamples` makes together at most. */
  get maxSamples(): number {
    return MAX_SAMPLES[this.#backend.name];
  }

  /**
   * Yields new token ids, one at a time.
   * @param prompt At least one token id.
   * @throws {RangeError} If the prompt is empty or holds an id beyond the vocabulary, or an option cannot work.
   */
  async *generate(prompt: readonly number[], options: GenerateOptions): AsyncGenerator<number, void, void> {
    this.#validate(prompt, options);
    const text = new Continuation(prompt, this.#model.config.contextLength, options, options.seed);
    const first = text.choose(await this.#feed(text.context));
    const advance = () => this.#advance([text], this.#decode);
    yield* new SharedSteps([text], [[first]], advance).iterators()[0];
  }

  /**
   * Continues one prompt several times, all samples going through the model together. Each yields the ids that
   * `generate` yields with its seed, unless two tokens are so close that rounding decides between them. They advance in
   * step: what one yields before the others are read is kept for them. A sample that is given up (`return`) takes no
   * further part.
   *
   * @param seeds One for each sample, at most `maxSamples`.
   * @throws {RangeError} As `generate` does, and if there are no seeds or too many.
   */
  async generateSamples(
    prompt: readonly number[],
    options: ContinuationOptions,
    seeds: readonly number[],
  ): Promise<AsyncGenerator<number, void, void>[]> {
    this.#validate(prompt, options);
    if (seeds.length === 0 || seeds.length > this.maxSamples) {
      throw new RangeError(`Cannot generate: got ${seeds.length} seeds, must be 1 to ${this.maxSamples} at a time`);
    }
    const { contextLength } = this.#model.config;
    const lanes = await this.#loadLanes(seeds.length);
    const texts = seeds.map((seed) => new Continuation(prompt, contextLength, options, seed));
    const logits = await this.#feed(texts[0].context);
    for (const lane of texts.keys()) await lanes.fill(lane);
    const first = texts.map((text) => [text.choose(logits.slice())]);
    const advance = () => this.#advance(texts, lanes.decode, (lane) => lanes.fill(lane));
    return new SharedSteps(texts, first, advance).iterators();
  }

  /**
   * Computes what follows each text.
   * @param fed Called for each text that was fed to the single sequence's cache.
   */
  async #advance(
    texts: readonly Continuation[],
    decode: Decode,
    fed?: (index: number) => Promise<void>,
  ): Promise<NextTokens> {
    // All that go on have contexts of one length, so that they slide together.
    if (!texts.find(({ isOver }) => !isOver)!.hasSlid) return await decode.run(texts);
    const next: number[][] = texts.map(() => []);
    for (const [i, text] of texts.entries()) {
      if (text.isOver) continue;
      next[i] = [text.choose(await this.#feed(text.context))];
      await fed?.(i);
    }
    return next;
  }

  async #loadLanes(count: number): Promise<Lanes> {
    if (this.#lanes?.count === count) return this.#lanes;
    this.#lanes?.dispose();
    this.#lanes = undefined;
    return this.#lanes = await Lanes.load(this.#backend, this.#model, this.#layers, count);
  }

  #validate(prompt: readonly number[], options: ContinuationOptions): void {
    validateSampling(options);
    if (prompt.length === 0) throw new RangeError("Cannot generate: got an empty prompt, must be at least one token");
    const { vocabSize } = this.#model.config;
    const unknown = prompt.find((id) => !(id >= 0 && id < vocabSize));
    if (unknown !== undefined) {
      throw new RangeError(`Cannot generate: got token id ${unknown}, must be below the vocabulary's ${vocabSize}`);
    }
  }

  /** Feeds tokens from position 0 on; returns the logits after the last. */
  async #feed(tokens: readonly number[]): Promise<Float32Array> {
    let logits: Float32Array = new Float32Array();
    for (let start = 0; start < tokens.length;) {
      // The prefill program writes all its rows to the cache: it must not reach beyond the end.
      const fits = start + this.#prefill.tokens <= this.#model.config.contextLength;
      const forward = fits ? this.#prefill : this.#single;
      const part = tokens.slice(start, start + forward.tokens);
      logits = await forward.run([part], start);
      start += part.length;
    }
    return logits;
  }
}
