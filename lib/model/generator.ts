import type { Backend } from "../backend/backend.ts";
import { CachedSequences } from "./cached_sequences.ts";
import { Continuation, type ContinuationOptions } from "./continuation.ts";
import type { Decode } from "./decode.ts";
import { DrawableIds } from "./drawable_ids.ts";
import { hasCache, type LanguageModel } from "./language_model.ts";
import { validateSampling } from "./sampling.ts";
import type { SequenceLanes, Sequences } from "./sequences.ts";
import { type NextTokens, SharedSteps } from "./shared_steps.ts";
import { WholeSequences } from "./whole_sequences.ts";

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

/**
 * Samples that go through the model together: as many rows as each backend's kernel for few rows is best at. All counts
 * up to there are summed in one order, or in two: one row alone, and several.
 */
const MAX_SAMPLES = { wasm: 12, webgpu: 4 } as const;

/**
 * Continues token sequences with a KV cache: one program takes a stretch of the prompt at a time, another one token. A
 * model that has no cache goes through its whole context for each token.
 *
 * When the context is full it slides: the newest half of it is fed again from position 0, and generation goes on from
 * there. Positions are relative, so the model sees what it was trained on, at the cost of one prefill per half context.
 *
 * There is one cache, so there is one text at a time, or one set of samples that are made together: another is refused
 * until all of them have ended, were given up (`return`, or leaving the loop that reads them) or aborted.
 *
 * It owns its cache and its programs, not the model's weights: see `LanguageModel.release`.
 */
export class Generator implements Disposable {
  readonly #backend: Backend;
  readonly #model: LanguageModel;
  readonly #sequences: Sequences;
  readonly #drawable: DrawableIds;
  #underWay: SharedSteps | undefined;

  private constructor(backend: Backend, model: LanguageModel, sequences: Sequences, drawable: DrawableIds) {
    this.#backend = backend;
    this.#model = model;
    this.#sequences = sequences;
    this.#drawable = drawable;
  }

  /**
   * Loads the programs. The weights are the caller's to write, before the first `generate`.
   * @throws {RangeError} If no id may be drawn.
   */
  static async create(backend: Backend, model: LanguageModel, options: GeneratorOptions = {}): Promise<Generator> {
    const drawable = new DrawableIds(model.config.vocabSize, options.isDrawable);
    const sequences = hasCache(model)
      ? await CachedSequences.load(backend, model, drawable)
      : await WholeSequences.load(backend, model);
    return new Generator(backend, model, sequences, drawable);
  }

  /** Frees the cache and the programs; the weights stay. */
  [Symbol.dispose](): void {
    this.#sequences[Symbol.dispose]();
  }

  /** How many samples `generateSamples` makes together at most. */
  get maxSamples(): number {
    return MAX_SAMPLES[this.#backend.name];
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
    const steps = this.#occupy(new SharedSteps([text], () => this.#advance([text], this.#sequences.decode)));
    await steps.begin(async () => [[text.choose(await this.#sequences.feed(text.context))]]);
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
      next[i] = [text.choose(await this.#sequences.feed(text.context))];
      await fed?.(i);
    }
    return next;
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
}
