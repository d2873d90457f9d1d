import type { Backend } from "../backend/backend.ts";
import { CachedSequences } from "./cached_sequences.ts";
import { Continuation, type ContinuationOptions } from "./continuation.ts";
import type { Decode } from "./decode.ts";
import { DrawableIds } from "./drawable_ids.ts";
import { withDefaults } from "./generation_defaults.ts";
import { hasCache, type LanguageModel } from "../model/language_model.ts";
import { validateSampling } from "./sampling.ts";
import type { SequenceLanes, Sequences } from "./sequences.ts";
import { sharedPrefix } from "./shared_prefix.ts";
import { type NextTokens, SharedSteps } from "./shared_steps.ts";
import { WholeSequences } from "./whole_sequences.ts";

/**
 * Options for continuing a text. By default, at most 200 new tokens, drawn with temperature 0.8 and top-p 0.95.
 */
export interface GenerateOptions extends Partial<ContinuationOptions> {
  /** Decides every choice; 0 by default. */
  readonly seed?: number;
  /**
   * Whether to compute only what follows the longest beginning of the prompt that is in the cache since the last text: for
   * the next turn of a conversation. The weights must be those of that text. Rounding differs, since tokens are fed in other
   * groups. Default: false.
   */
  readonly reusePrefix?: boolean;
}

/** Options for a generator. */
export interface GeneratorOptions {
  /**
   * Called once for each id of the model: whether it may be drawn. Pass `(id) => tokenizer.hasToken(id)` if the model
   * may have rows that stand for no token. By default, all ids may be drawn.
   */
  readonly isDrawable?: (id: number) => boolean;
}

/**
 * Continues token sequences with a KV cache: one program processes the prompt in chunks, another one token at a time. A
 * model without a cache processes its whole context for each token.
 *
 * When the context is full, it slides: its newest half is fed again from position 0, and generation continues from
 * there. Positions are relative, so the model sees what it was trained on, at the cost of one prefill per half context.
 *
 * There is one cache, and so one text at a time, or one set of samples that are made together. Another is refused until
 * all of them have ended, or were abandoned (`return`, or leaving the loop that reads them) or aborted.
 *
 * It owns its cache and its programs, but not the model's weights: see `LanguageModel.release`.
 */
export class TextGenerator implements Disposable {
  readonly #backend: Backend;
  readonly #model: LanguageModel;
  readonly #sequences: Sequences;
  readonly #drawable: DrawableIds;
  /** The texts that use the cache, or used it last. */
  #underWay: { readonly isOver: boolean } | undefined;

  private constructor(backend: Backend, model: LanguageModel, sequences: Sequences, drawable: DrawableIds) {
    this.#backend = backend;
    this.#model = model;
    this.#sequences = sequences;
    this.#drawable = drawable;
  }

  /**
   * Loads the programs. Write the weights before the first `generate`.
   * @throws {RangeError} If no id may be drawn.
   */
  static async create(backend: Backend, model: LanguageModel, options: GeneratorOptions = {}): Promise<TextGenerator> {
    const drawable = new DrawableIds(model.config.vocabSize, options.isDrawable);
    const sequences = hasCache(model)
      ? await CachedSequences.load(backend, model, drawable)
      : await WholeSequences.load(backend, model);
    return new TextGenerator(backend, model, sequences, drawable);
  }

  /** Frees the cache and the programs; the weights stay. */
  [Symbol.dispose](): void {
    this.#sequences[Symbol.dispose]();
  }

  /** The most samples that `generateSamples` makes together. */
  get maxSamples(): number {
    return this.#backend.capabilities.maxLanes;
  }

  /**
   * Yields new token ids, one at a time.
   * @param prompt At least one token id: an array, or what `Tokenizer.encode` gives.
   * @throws {RangeError} If the prompt is empty or has an id outside the vocabulary, or an option cannot work.
   * @throws {NoTokenError} If the model computes NaN.
   * @throws {Error} If another text of this generator is in progress.
   */
  async *generate(prompt: Iterable<number>, options: GenerateOptions = {}): AsyncGenerator<number, void, void> {
    const ids = [...prompt];
    const complete = withDefaults(options);
    this.#validate(ids, complete);
    const { contextLength } = this.#model.config;
    const text = new Continuation(ids, contextLength, complete, complete.seed ?? 0, this.#drawable);
    const steps = this.#occupy(new SharedSteps([text], () => this.#advance([text], this.#sequences.decode)));
    const { reusePrefix, signal } = complete;
    await steps.begin(async () => [[text.choose(await this.#sequences.feed(text.context, { reusePrefix, signal }))]]);
    yield* steps.iterators()[0];
  }

  /**
   * Continues one prompt several times, with all samples going through the model together. Each yields the same ids as
   * `generate` with its seed, unless two tokens are so close that rounding decides between them. They advance in step:
   * ids that have not been read yet are kept. A sample that is abandoned (`return`) takes no further part.
   *
   * @param options Those of `generate`, with the same defaults.
   * @param seeds One for each sample, at most `maxSamples`.
   * @throws {RangeError} As `generate` does, and if there are no seeds or too many.
   * @throws {NoTokenError | Error} As `generate` does.
   */
  async generateSamples(
    prompt: Iterable<number>,
    options: Partial<ContinuationOptions>,
    seeds: readonly number[],
  ): Promise<AsyncGenerator<number, void, void>[]> {
    const ids = [...prompt];
    const complete = withDefaults(options);
    this.#validate(ids, complete);
    if (seeds.length === 0 || seeds.length > this.maxSamples) {
      throw new RangeError(`Cannot generate: got ${seeds.length} seeds, must be 1 to ${this.maxSamples} at a time`);
    }
    const { contextLength } = this.#model.config;
    const texts = seeds.map((seed) => new Continuation(ids, contextLength, complete, seed, this.#drawable));
    let lanes: SequenceLanes;
    const steps = this.#occupy(
      new SharedSteps(texts, () => this.#advance(texts, lanes.decode, (lane) => lanes.fill(lane))),
    );
    await steps.begin(async () => {
      lanes = await this.#sequences.lanes(seeds.length);
      const logits = await this.#sequences.feed(texts[0].context);
      for (const lane of texts.keys()) await lanes.fill(lane);
      return texts.map((text) => [text.choose(logits.slice())]);
    });
    return steps.iterators();
  }

  /**
   * How many of some ids, from the first on, are in the cache: what `reusePrefix` saves. 0 for a model without a cache.
   */
  cachedPrefix(ids: Iterable<number>): number {
    return sharedPrefix(this.#sequences.held, [...ids]);
  }

  /**
   * The logits of the token that follows a text.
   *
   * @param ids From one to the model's contextLength.
   * @returns (vocabSize), a copy; includes the logits of ids that may not be drawn.
   * @throws {RangeError} If there are no ids or too many, or one is outside the vocabulary.
   * @throws {Error} If a text of this generator is in progress.
   */
  async logits(
    ids: Iterable<number>,
    { reusePrefix }: Pick<GenerateOptions, "reusePrefix"> = {},
  ): Promise<Float32Array> {
    return await this.#computeLogits(ids, (context) => this.#sequences.feed(context, { reusePrefix }));
  }

  /**
   * The logits after each of some ids: row i is what {@linkcode logits} gives for the first i + 1 of them.
   *
   * @param ids From one to the model's contextLength.
   * @returns (ids, vocabSize), a copy; includes the logits of ids that may not be drawn.
   * @throws {RangeError | Error} As {@linkcode logits} does.
   */
  async allLogits(ids: Iterable<number>): Promise<Float32Array> {
    return await this.#computeLogits(ids, (context) => this.#sequences.feedAll(context));
  }

  async #computeLogits(
    ids: Iterable<number>,
    feed: (context: readonly number[]) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const context = [...ids];
    this.#validateIds("compute logits", context);
    const { contextLength } = this.#model.config;
    if (context.length > contextLength) {
      throw new RangeError(
        `Cannot compute logits: got ${context.length} token ids, must be at most the context length ${contextLength}`,
      );
    }
    const use: { isOver: boolean } = this.#occupy({ isOver: false });
    try {
      return await feed(context);
    } finally {
      use.isOver = true;
    }
  }

  /** Reserves the cache for these texts. */
  #occupy<T extends { readonly isOver: boolean }>(steps: T): T {
    if (this.#underWay?.isOver === false) {
      throw new Error(
        "Cannot generate: got another text under way, must be one at a time, since there is one cache. Read the other " +
          "to its end, or call its return(); or make another TextGenerator",
      );
    }
    this.#underWay = steps;
    return steps;
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
    // The contexts of all that continue have the same length, so that they slide together.
    if (!texts.find(({ isOver }) => !isOver)!.hasSlid) return await decode.run(texts);
    const next: number[][] = texts.map(() => []);
    for (const [i, text] of texts.entries()) {
      if (text.isOver) continue;
      next[i] = [text.choose(await this.#sequences.feed(text.context))];
      await fed?.(i);
    }
    return next;
  }

  #validate(prompt: readonly number[], options: ContinuationOptions): void {
    validateSampling(options);
    const { maxTokens } = options;
    if (!(maxTokens >= 0 && (Number.isInteger(maxTokens) || maxTokens === Infinity))) {
      throw new RangeError(`Cannot generate: got maxTokens ${maxTokens}, must be a whole number, 0 or more`);
    }
    this.#validateIds("generate", prompt);
  }

  #validateIds(what: string, ids: readonly number[]): void {
    if (ids.length === 0) throw new RangeError(`Cannot ${what}: got an empty prompt, must be at least one token`);
    const { vocabSize } = this.#model.config;
    const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (unknown !== undefined) {
      throw new RangeError(`Cannot ${what}: got token id ${unknown}, must be below the vocabulary's ${vocabSize}`);
    }
  }
}
