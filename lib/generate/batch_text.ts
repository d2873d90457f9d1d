import { Continuation, type ContinuationOptions } from "./continuation.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import type { Feed } from "./slots.ts";
import { logprobsOf, type TokenLogprob } from "./token_logprobs.ts";

/** What is to be continued, and how. */
export interface BatchRequest extends ContinuationOptions {
  /** At least one token id. With `maxTokens` more, it must fit the model's context. */
  readonly prompt: Iterable<number>;
  /** Decides every choice. */
  readonly seed: number;
  /** If given, each token comes with its log-probability, and with those of this many of the likeliest tokens. */
  readonly likeliest?: number;
}

/** A token that was made. */
export interface BatchToken {
  readonly id: number;
  /** The logarithm of its probability, at temperature 1 and among all tokens; if it was asked for. */
  readonly logprob?: number;
  /** The likeliest tokens in its place, the likeliest first; if they were asked for. */
  readonly likeliest?: readonly TokenLogprob[];
}

/** Why a text ended: a stop id; its most tokens; or nobody wanted more. */
export type FinishReason = "stop" | "length" | "cancelled";

/**
 * A text that an engine continues, read token by token. Tokens that are not read are kept: there are at most `maxTokens`.
 * Leaving the loop, or `cancel`, ends it.
 */
export class BatchText implements AsyncIterable<BatchToken> {
  readonly #text: Continuation;
  readonly #request: BatchRequest;
  readonly #promptTokens: number;
  readonly #unread: BatchToken[] = [];
  /** How many of its tokens are in the cache. */
  #fed = 0;
  #finish: FinishReason | undefined;
  #failure: { readonly error: unknown } | undefined;
  #news = Promise.withResolvers<void>();
  readonly #cancel = () => this.cancel();

  /** @param prompt The request's, as an array. */
  constructor(prompt: readonly number[], request: BatchRequest, contextLength: number, drawable: DrawableIds) {
    const { signal, ...options } = request;
    this.#request = request;
    this.#promptTokens = prompt.length;
    this.#text = new Continuation(prompt, contextLength, options, request.seed, drawable);
    if (this.#text.isOver) this.#end("length");
    else if (signal?.aborted) this.cancel();
    else signal?.addEventListener("abort", this.#cancel);
  }

  /** Why it ended; nothing while it goes on, or if it failed. */
  get finish(): FinishReason | undefined {
    return this.#finish;
  }

  /** Whether nothing more will be made. */
  get isOver(): boolean {
    return this.#finish !== undefined || this.#failure !== undefined;
  }

  /** Tokens of its prompt. */
  get promptTokens(): number {
    return this.#promptTokens;
  }

  /** Its prompt, and what was made. */
  get context(): readonly number[] {
    return this.#text.context;
  }

  /** The token to feed next. */
  get next(): Feed {
    return { id: this.#text.context[this.#fed], position: this.#fed };
  }

  /**
   * Takes what follows the tokens that were fed; chooses the next one if the prompt is done.
   * @param logits (vocabSize) after the last of them; they may be changed.
   * @param count How many were fed.
   * @returns Whether a token was made.
   */
  advance(logits: Float32Array, count = 1): boolean {
    this.#fed += count;
    if (this.isOver || this.#fed < this.#text.context.length) return false;
    const id = this.#text.choose(logits);
    const { likeliest } = this.#request;
    const token = { id, ...likeliest !== undefined && logprobsOf(logits, id, likeliest) };
    if (!this.#text.take(id)) {
      this.#end("stop");
      return false;
    }
    this.#unread.push(token);
    if (this.#text.isOver) this.#end("length");
    else this.#tell();
    return true;
  }

  /** Ends it, unless it is over: nobody wants more. */
  cancel(): void {
    this.#end("cancelled");
  }

  /** Ends it with an error, which whoever reads it gets after the tokens that were made. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.#failure = { error };
    this.#close();
  }

  /** Its tokens, as they are made. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BatchToken, void, void> {
    try {
      for (;;) {
        const token = this.#unread.shift();
        if (token !== undefined) yield token;
        else if (this.#failure !== undefined) throw this.#failure.error;
        else if (this.isOver) return;
        else await this.#news.promise;
      }
    } finally {
      this.cancel();
    }
  }

  #end(finish: FinishReason): void {
    if (this.isOver) return;
    this.#finish = finish;
    this.#close();
  }

  #close(): void {
    this.#request.signal?.removeEventListener("abort", this.#cancel);
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
