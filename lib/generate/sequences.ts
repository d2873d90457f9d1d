import type { Decode } from "./decode.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export interface SequenceLanes {
  /** Takes them all on. */
  readonly decode: Decode;
  /** Makes a lane go on from the sequence that was fed last. */
  fill(lane: number): Promise<void>;
}

/** How a generator computes: with a cache, or without one. */
export interface Sequences extends Disposable {
  /** Takes on the sequence that was fed last. */
  readonly decode: Decode;

  /** Feeds tokens from position 0 on; returns the logits after the last, (vocabSize). */
  feed(tokens: readonly number[]): Promise<Float32Array>;

  /** Lanes for so many sequences; those for another number cannot be used any more. */
  lanes(count: number): Promise<SequenceLanes>;
}
