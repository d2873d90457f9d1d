// Pre-tokens that are tokens as a whole, although merging their bytes gives others.
import type { Kernel } from "../kernel.ts";
import { byteIdsOf, specialOnlyIds, type Vocabulary } from "../vocabulary/vocabulary.ts";

/** Longer pre-tokens do not fit the kernel's table of words. */
const MAX_KEPT_BYTES = 1024;

/** Whole pre-tokens that are tokens, for vocabularies that ignore merges for them. */
export class WholeTokens {
  /** Ids by bytes (spelled as characters) of tokens that are too long for the kernel. */
  readonly #long = new Map<string, number>();
  readonly #decoder = new TextDecoder("latin1");

  /**
   * Tells the kernel about each token that merging its own bytes does not produce.
   *
   * @param kernel Must know the merges, and must not have encoded anything yet.
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

  /** The token for a whole pre-token that is too long for the kernel, if there is one. */
  findLong(word: Uint8Array): number | undefined {
    return this.#long.size === 0 ? undefined : this.#long.get(this.#decoder.decode(word));
  }
}
