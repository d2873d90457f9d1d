import { Philox } from "../random/philox.ts";
import { NO_TOKEN } from "../ops/sample_token.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import { NoTokenError, penalizeRepetition, sampleToken, type SamplingOptions } from "./sampling.ts";

/** Options for continuing a text, apart from the seed. */
export interface ContinuationOptions extends SamplingOptions {
  /** The most new tokens. */
  readonly maxTokens: number;
  /** Ids that end the text. They are not part of it. */
  readonly stopIds?: readonly number[];
  /** Ends the text; tokens that were already made are still yielded. */
  readonly signal?: AbortSignal;
}

/** The random stream that samples are drawn from. */
const RANDOM_STREAM_SAMPLES = 2;

/** A text in progress: everything that decides its next token, apart from the logits. */
export class Continuation {
  readonly options: ContinuationOptions;
  readonly #contextLength: number;
  readonly #random: Philox;
  readonly #drawable: DrawableIds | undefined;
  #context: number[];
  #hasSlid = false;
  #made = 0;
  #isOver: boolean;

  /**
   * @param seed Decides every choice.
   * @param drawable The ids that may be drawn; all by default.
   */
  constructor(
    prompt: readonly number[],
    contextLength: number,
    options: ContinuationOptions,
    seed: number,
    drawable?: DrawableIds,
  ) {
    this.options = options;
    this.#drawable = drawable;
    this.#contextLength = contextLength;
    this.#random = new Philox(seed, RANDOM_STREAM_SAMPLES);
    this.#context = prompt.slice(-contextLength);
    this.#isOver = options.maxTokens === 0;
  }

  /** The tokens that the next one follows from, the newest last. */
  get context(): readonly number[] {
    return this.#context;
  }

  /** Whether the context slid when its newest token came, so that every other token has a new position. */
  get hasSlid(): boolean {
    return this.#hasSlid;
  }

  /** How many tokens may still be made. */
  get remaining(): number {
    return this.options.maxTokens - this.#made;
  }

  /** Whether no more tokens will be taken. */
  get isOver(): boolean {
    return this.#isOver || this.options.signal?.aborted === true;
  }

  /** The random number in [0, 1) that decides the next token, or one of those `ahead` of it. */
  uniform(ahead = 0): number {
    return this.#random.uniform(this.#made + ahead);
  }

  /**
   * Chooses the next token.
   * @param logits (vocabSize), after the context; they may be changed.
   * @throws {NoTokenError} If one is NaN or infinite.
   */
  choose(logits: Float32Array): number {
    const { repetitionPenalty = 1 } = this.options;
    if (repetitionPenalty !== 1) penalizeRepetition(logits, this.#context, repetitionPenalty);
    this.#drawable?.mask(logits);
    return sampleToken(logits, this.options, this.uniform());
  }

  /**
   * Takes the token that was chosen, unless it ends the text. A full context slides: only its newest half is kept.
   * @returns Whether the token belongs to the text.
   * @throws {NoTokenError} If a device found no token to choose.
   */
  take(id: number): boolean {
    if (this.options.stopIds?.includes(id)) this.end();
    if (this.isOver) return false;
    if (id === NO_TOKEN) throw new NoTokenError();
    this.#made++;
    this.#isOver = this.remaining === 0;
    this.#hasSlid = this.#context.length === this.#contextLength;
    const kept = this.#hasSlid ? this.#context.slice(-Math.floor(this.#contextLength / 2)) : this.#context;
    // Half of a one-token context is nothing.
    this.#context = [...kept, id].slice(-this.#contextLength);
    return true;
  }

  /** Takes no more tokens. */
  end(): void {
    this.#isOver = true;
  }
}
