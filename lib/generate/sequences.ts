import type { Decode } from "./decode.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export interface SequenceLanes {
  /** Advances them all. */
  readonly decode: Decode;
  /** Makes a lane continue the sequence that was fed last. */
  fill(lane: number): Promise<void>;
}

/** How a generator computes: with a cache, or without one. */
export interface Sequences extends Disposable {
  /** Continues the sequence that was fed last. */
  readonly decode: Decode;

  /** Feeds tokens from position 0 on; returns the logits after the last, (vocabSize). */
  feed(tokens: readonly number[]): Promise<Float32Array>;

  /** Feeds tokens from position 0 on; returns the logits after each, (tokens, vocabSize). */
  feedAll(tokens: readonly number[]): Promise<Float32Array>;

  /** Lanes for this many sequences; lanes made earlier for another number can no longer be used. */
  lanes(count: number): Promise<SequenceLanes>;
}
