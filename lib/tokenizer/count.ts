// How often each pre-token occurs: all that training needs to know of the text.
import { ByteTable } from "./byte_table.ts";
import { pretokenEnd } from "./pretokenize.ts";
import { type SpecialTokens } from "./special_tokens.ts";
import { TextSplitter } from "./text_splitter.ts";

/** Distinct pre-tokens, in no particular order. Word `i` is `arena[offsets[i]..offsets[i + 1])`, seen `counts[i]` times. */
export interface WordCounts {
  readonly arena: Uint8Array;
  /** One more entry than there are words. */
  readonly offsets: Uint32Array;
  /** Exact to 2^53. */
  readonly counts: Float64Array;
}

/** Counts the pre-tokens of texts given piece by piece. */
export class WordCounter {
  readonly #words = new ByteTable();
  readonly #splitter: TextSplitter;
  #counts = new Float64Array(1 << 12);

  constructor(specials: SpecialTokens) {
    this.#splitter = new TextSplitter(specials, (bytes, start, end) => this.#countText(bytes, start, end), () => {});
  }

  /** More of the current text. */
  push(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
  }

  /** The current text ends here: nothing is joined across. */
  endText(): void {
    this.#splitter.flush();
  }

  /** The counts so far. Valid until the next `push()`. */
  get result(): WordCounts {
    const { arena, offsets, size } = this.#words;
    return { arena, offsets, counts: this.#counts.subarray(0, size) };
  }

  #countText(bytes: Uint8Array, start: number, end: number): void {
    while (start < end) {
      const next = pretokenEnd(bytes, start, end);
      const word = this.#words.intern(bytes, start, next);
      if (word >= this.#counts.length) {
        const grown = new Float64Array(this.#counts.length * 2);
        grown.set(this.#counts);
        this.#counts = grown;
      }
      this.#counts[word]++;
      start = next;
    }
  }
}
