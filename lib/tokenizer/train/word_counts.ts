// Word counts.

/** Distinct pre-tokens, in no particular order. Word `i` is `arena[offsets[i]..offsets[i + 1])`, seen `counts[i]` times. */
export interface WordCounts {
  /** The words' bytes, one word after the other. */
  readonly arena: Uint8Array;
  /** One more entry than there are words. */
  readonly offsets: Uint32Array;
  /** Exact to 2^53. */
  readonly counts: Float64Array;
}
