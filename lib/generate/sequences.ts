import type { Decode } from "./decode.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export interface SequenceLanes {
  /** Advances them all. */
  readonly decode: Decode;
  /** Makes a lane continue the sequence that was fed last. */
  fill(lane: number): Promise<void>;
}

/** How a text is fed. */
export interface FeedOptions {
  /** Whether to compute only what follows the longest beginning that is in the cache already. Default: false. */
  readonly reusePrefix?: boolean;
  /** Once it is aborted, feeding ends early: the logits are then of no use. */
  readonly signal?: AbortSignal;
}

/** How a generator computes: with a cache, or without one. */
export interface Sequences extends Disposable {
  /** Continues the sequence that was fed last. */
  readonly decode: Decode;

  /** Feeds tokens from position 0 on; returns the logits after the last, (vocabSize). */
  feed(tokens: readonly number[], options?: FeedOptions): Promise<Float32Array>;

  /** Feeds tokens from position 0 on; returns the logits after each, (tokens, vocabSize). */
  feedAll(tokens: readonly number[]): Promise<Float32Array>;

  /** The tokens in the single sequence's cache, from position 0 on. None without a cache. */
  readonly held: readonly number[];

  /** Lanes for this many sequences; lanes made earlier for another number can no longer be used. */
  lanes(count: number): Promise<SequenceLanes>;
}
