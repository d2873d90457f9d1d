// Classes of characters, as far as the pre-tokenization patterns distinguish them.

/** Character classes; those from `NUMBER` to `CASELESS` are `\p{N}` and `\p{L}`. */
export const CharClass = {
  /** Anything else, invalid bytes included. */
  OTHER: 0,
  /** `\p{White_Space}`: unlike JavaScript's `\s`, it includes U+0085 but not U+FEFF. */
  SPACE: 1,
  /** `\p{N}` */
  NUMBER: 2,
  /** `\p{Lu}`, `\p{Lt}` */
  UPPER: 3,
  /** `\p{Ll}` */
  LOWER: 4,
  /** `\p{Lm}`, `\p{Lo}` */
  CASELESS: 5,
  /** `\p{M}` */
  MARK: 6,
} as const;
