import { Philox } from "../random/philox.ts";
import { penalizeRepetition, sampleToken, type SamplingOptions } from "./sampling.ts";

/** How texts are continued, whatever the seed. */
export interface ContinuationOptions extends SamplingOptions {
  /** New tokens at most. */
  readonly maxTokens: number;
  /** Ids that end the text; they are not yielded. */
  readonly stopIds?: readonly number[];
  readonly signal?: AbortSignal;
}

/** The random stream that samples are drawn from. */
const RANDOM_STREAM_SAMPLES = 2;

/** One text under way: what its next token is chosen by, apart from the logits. */
export class Continuation {
  readonly #options: ContinuationOptions;
  readonly #contextLength: number;
  readonly #random: Philox;
  #context: number[];
  #made = 0;

  /** @param seed Decides every choice. */
  constructor(prompt: readonly number[], contextLength: number, options: ContinuationOptions, seed: number) {
    this.#options = options;
    this.#contextLength = contextLength;
    this.#random = new Philox(seed, RANDOM_STREAM_SAMPLES);
    this.#context = prompt.slice(-contextLength);
  }

  /** The tokens that the model sees, the newest last. */
  get context(): readonly number[] {
    return this.#context;
  }

  /** Whether all tokens were made that may be. */
  get isComplete(): boolean {
    return this.#made === this.#options.maxTokens;
  }

  /**
   * Chooses the next token; undefined where the text ends.
   * @param logits (vocabSize), after the context; they may be changed.
   */
  choose(logits: Float32Array): number | undefined {
    const { repetitionPenalty = 1, stopIds, signal } = this.#options;
    if (this.isComplete || signal?.aborted) return undefined;
    if (repetitionPenalty !== 1) penalizeRepetition(logits, this.#context, repetitionPenalty);
    const id = sampleToken(logits, this.#options, this.#random.uniform(this.#made++));
    return stopIds?.includes(id) ? undefined : id;
  }

  /**
   * Takes a token into the context. When that is full it slides: its newest half is kept.
   * @returns Whether it slid: every token then has another position.
   */
  extend(id: number): boolean {
    if (this.#context.length < this.#contextLength) {
      this.#context.push(id);
      return false;
    }
    const kept = this.#context.slice(-Math.floor(this.#contextLength / 2));
    this.#context = [...kept, id].slice(-this.#contextLength);
    return true;
  }
}
