import type { Backend } from "../backend/backend.ts";
import { CachedForward } from "./cached_forward.ts";
import { Continuation, type ContinuationOptions } from "./continuation.ts";
import { type Decode, loadDecode } from "./decode.ts";
import { DrawableIds } from "./drawable_ids.ts";
import { type KvCache, kvCacheLayers, releaseLayers } from "./kv_cache.ts";
import { Lanes } from "./lanes.ts";
import { validateSampling } from "./sampling.ts";
import { type NextTokens, SharedSteps } from "./shared_steps.ts";
import type { Transformer } from "./transformer.ts";

/** How a text is continued. */
export interface GenerateOptions extends ContinuationOptions {
  /** Decides every choice. */
  readonly seed: number;
}

/** What a generator may be told. */
export interface GeneratorOptions {
  /**
   * Asked once for each id of the model: whether a text may have it. Give `(id) => tokenizer.hasToken(id)` where the
   * model may have rows that stand for no token; by default all ids may be drawn.
   */
  readonly isDrawable?: (id: number) => boolean;
}

/** Prompt tokens that one run of the prefill program takes. */
const PREFILL_TOKENS = 64;

/**
 * Continues token sequences with a KV cache: one program takes a stretch of the prompt at a time, another one token.
 *
 * When the context is full it slides: the newest half of it is fed again from position 0, and generation goes on from
 * there. Positions are relative, so the model sees what it was trained on, at the cost of one prefill per half context.
 *
 * There is one cache, so there is one text at a time, or one set of samples that are made together: another is refused
 * until all of them have ended, were given up (`return`, or leaving the loop that reads them) or aborted.
 *
 * It owns its cache and its programs, not the model's weights: see `Transformer.release`.
 */
export class Generator implements Disposable {
  readonly #backend: Backend;
  readonly #model: Transformer;
  readonly #layers: KvCache["layers"];
  readonly #prefill: CachedForward;
  readonly #single: CachedForward;
  readonly #decode: Decode;
  readonly #drawable: DrawableIds;
  readonly #owned: DisposableStack;
  #lanes: Lanes | undefined;
  #underWay: SharedSteps | undefined;

  private constructor(
    backend: Backend,
    model: Transformer,
    layers: KvCache["layers"],
    programs: { readonly prefill: CachedForward; readonly single: CachedForward; readonly decode: Decode },
    drawable: DrawableIds,
    owned: DisposableStack,
  ) {
    this.#backend = backend;
    this.#model = model;
    this.#layers = layers;
    this.#prefill = programs.prefill;
    this.#single = programs.single;
    this.#decode = programs.decode;
    this.#drawable = drawable;
    this.#owned = owned;
  }

  /**
   * Loads the programs. The weights are the caller's to write, before the first `generate`.
   * @throws {RangeError} If no id may be drawn.
   */
  static async create(backend: Backend, model: Transformer, options: GeneratorOptions = {}): Promise<Generator> {
    const drawable = new DrawableIds(model.config.vocabSize, options.isDrawable);
    const layers = kvCacheLayers(model.config, 1);
    const prefillTokens = Math.min(PREFILL_TOKENS, model.config.contextLength);
    using owned = new DisposableStack();
    owned.defer(() => releaseLayers(backend, layers));
    const prefill = owned.use(await CachedForward.load(backend, model, layers, prefillTokens));
    const single = owned.use(await CachedForward.load(backend, model, layers, 1));
    const decode = owned.use(await loadDecode(backend, model, layers, drawable, single));
    return new Generator(backend, model, layers, { prefill, single, decode }, drawable, owned.move());
  }

  /** Frees the cache and the programs; the weights stay. */
  [Symbol.dispose](): void {
    this.#lanes?.[Symbol.dispose]();
    this.#lanes = undefined;
    this.#owned.dispose();
  }

  /** How many samples `generateSamples` makes together at most. */
  get maxSamples(): number {
    return this.#backend.capabilities.maxLanes;
  }

  /**
   * Yields new token ids, one at a time.
   * @param prompt At least one token id.
   * @throws {RangeError} If the prompt is empty or holds an id beyond the vocabulary, or an option cannot work.
   * @throws {NoTokenError} If the model computes NaN.
   * @throws {Error} If another text of this generator is under way.
   */
  async *generate(prompt: readonly number[], options: GenerateOptions): AsyncGenerator<number, void, void> {
    this.#validate(prompt, options);
    const { contextLength } = this.#model.config;
    const text = new Continuation(prompt, contextLength, options, options.seed, this.#drawable);
    const steps = this.#occupy(new SharedSteps([text], () => this.#advance([text], this.#decode)));
    await steps.begin(async () => [[text.choose(await this.#feed(text.context))]]);
    yield* steps.iterators()[0];
  }

  /**
   * Continues one prompt several times, all samples going through the model together. Each yields the ids that
   * `generate` yields with its seed, unless two tokens are so close that rounding decides between them. They advance in
   * step: what one yields before the others are read is kept for them. A sample that is given up (`return`) takes no
   * further part.
   *
   * @param seeds One for each sample, at most `maxSamples`.
   * @throws {RangeError} As `generate` does, and if there are no seeds or too many.
   * @throws {NoTokenError | Error} As `generate` does.
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
    const texts = seeds.map((seed) => new Continuation(prompt, contextLength, options, seed, this.#drawable));
    const steps = this.#occupy(
      new SharedSteps(texts, () => {
        const lanes = this.#lanes!;
        return this.#advance(texts, lanes.decode, (lane) => lanes.fill(lane));
      }),
    );
    await steps.begin(async () => {
      const lanes = await this.#loadLanes(seeds.length);
      const logits = await this.#feed(texts[0].context);
      for (const lane of texts.keys()) await lanes.fill(lane);
      return texts.map((text) => [text.choose(logits.slice())]);
    });
    return steps.iterators();
  }

  /** Makes the cache these texts'. */
  #occupy(steps: SharedSteps): SharedSteps {
    if (this.#underWay?.isOver === false) {
      throw new Error(
        "Cannot generate: got another text under way, must be one at a time, since there is one cache. Read the other " +
          "to its end, or call its return(); or make another Generator",
      );
    }
    return this.#underWay = steps;
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
    this.#lanes?.[Symbol.dispose]();
    this.#lanes = undefined;
    return this.#lanes = await Lanes.load(this.#backend, this.#model, this.#layers, count, this.#drawable);
  }

  #validate(prompt: readonly number[], options: ContinuationOptions): void {
    validateSampling(options);
    const { maxTokens } = options;
    if (!(maxTokens >= 0 && (Number.isInteger(maxTokens) || maxTokens === Infinity))) {
      throw new RangeError(`Cannot generate: got maxTokens ${maxTokens}, must be a whole number from 0 on`);
    }
    if (prompt.length === 0) throw new RangeError("Cannot generate: got an empty prompt, must be at least one token");
    const { vocabSize } = this.#model.config;
    const unknown = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
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
