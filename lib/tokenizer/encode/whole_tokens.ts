// Tokens that a pre-token is as a whole, though merging its bytes gives others.
import type { Kernel } from "../kernel.ts";
import { byteIdsOf, specialOnlyIds, type Vocabulary } from "../vocabulary/vocabulary.ts";

/** Longer pre-tokens do not fit the kernel's table of words. */
const MAX_KEPT_BYTES = 1024;

/** Whole pre-tokens that are tokens, where merges are ignored for these. */
export class WholeTokens {
  /** Ids by bytes, spelled as characters, of tokens longer than the kernel keeps. */
  readonly #long = new Map<string, number>();
  readonly #decoder = new TextDecoder("latin1");

  /**
   * Tells the kernel of each token that merging its own bytes does not give.
   *
   * @param kernel Knows the merges, and has not encoded anything yet.
   */
  constructor(kernel: Kernel, vocabulary: Vocabulary) {
    if (vocabulary.ignoreMerges !== true) return;
    const { tokens } = vocabulary;
    const { exports } = kernel;
    const skipped = new Set([...specialOnlyIds(vocabulary), ...byteIdsOf(vocabulary)]);
    for (let id = 0; id < tokens.size; id++) {
      const length = tokens.byteLength(id);
      if (length === 0 || skipped.has(id)) continue;
      const bytes = tokens.get(id);
      kernel.write(bytes);
      if (exports.mergeWindow(0, length) === 1) continue;
      if (length <= MAX_KEPT_BYTES) exports.keepToken(length, id);
      else this.#long.set(this.#decoder.decode(bytes), id);
    }
  }

  /** The token that a pre-token longer than the kernel keeps is as a whole, if it is one. */
  findLong(word: Uint8Array): number | undefined {
    return this.#long.size === 0 ? undefined : this.#long.get(this.#decoder.decode(word));
  }
}
