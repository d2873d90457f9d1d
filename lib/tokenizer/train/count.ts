// Counts how often each pre-token occurs, which is all that training needs to know about the text.
import { Kernel } from "../kernel.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import type { NormalizerStep } from "../normalize/normalizer_steps.ts";
import { preparationOf } from "../encode/text_preparation.ts";
import { type SpecialTokens } from "../pretokenize/special_tokens.ts";
import { TextSplitter } from "../pretokenize/text_splitter.ts";
import type { WordCounts } from "./word_counts.ts";

// The layout of words in the kernel's memory: see kernels/simd/tokenizer/words.ts.
const SLOT = 32;
const LONG = 0xff;
/** Words are passed on in parts of about this size. */
const PART_SLOTS = 1 << 15;

/** Counts the pre-tokens of texts that are given piece by piece. */
export class WordCounter {
  readonly pattern: Pattern;
  readonly normalizer: readonly NormalizerStep[];
  readonly #kernel: Kernel;
  readonly #splitter: TextSplitter;

  /** @param specials Tokens that divide the text, made by `dividingTokens` with the same pattern and normalizer. */
  constructor(pattern: Pattern, specials: SpecialTokens, normalizer: readonly NormalizerStep[] = []) {
    this.pattern = pattern;
    this.normalizer = normalizer;
    const kernel = this.#kernel = new Kernel(pattern, 0);
    const count = (length: number) => kernel.exports.count(kernel.pattern, length);
    const preparation = preparationOf({ pattern, normalizer });
    this.#splitter = new TextSplitter(
      specials,
      (bytes, start, end, beginning) => {
        if (preparation === undefined) kernel.forEachPiece(bytes, start, end, count);
        else preparation.forEachPiece(kernel, bytes, start, end, beginning, specials, count, () => {});
      },
      () => {},
    );
  }

  /** What comes next goes on with a text that began elsewhere. */
  continueText(): void {
    this.#splitter.continueText();
  }

  /** Adds more of the current text. `bytes` may be reused after the call. */
  push(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
  }

  /** Ends the current text: no pre-token reaches across. */
  endText(): void {
    this.#splitter.flush();
  }

  /** All counts, in parts, for the {@linkcode add} of another counter. */
  *parts(): Generator<Uint8Array<ArrayBuffer>> {
    const { exports } = this.#kernel;
    for (let slot = 1; slot < exports.nextSlot.value;) {
      const end = exports.wordsEndNear(slot, PART_SLOTS);
      const at = exports.words.value >>> 0;
      yield Uint8Array.from(this.#kernel.bytes.subarray(at + slot * SLOT, at + end * SLOT));
      slot = end;
    }
  }

  /** Adds counts that were made elsewhere. */
  add(part: Uint8Array): void {
    this.#kernel.write(part);
    this.#kernel.exports.addCounts(part.length);
  }

  /** The counts so far, in new arrays. */
  get result(): WordCounts {
    const { exports, bytes } = this.#kernel;
    const view = new DataView(bytes.buffer, exports.words.value >>> 0);
    const memory = bytes.subarray(exports.words.value >>> 0);
    const numWords = exports.numWords.value;
    const offsets = new Uint32Array(numWords + 1);
    const counts = new Float64Array(numWords);
    const slots = new Uint32Array(numWords);
    for (let word = 0, slot = 1; word < numWords; word++) {
      const at = slot * SLOT;
      const isLong = memory[at + 15] === LONG;
      const length = isLong ? view.getUint32(at + 8, true) : memory[at + 15];
      // The bytes of a long word follow its slot.
      slots[word] = isLong ? slot + 1 : slot;
      offsets[word + 1] = offsets[word] + length;
      counts[word] = view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 2 ** 32;
      slot += 1 + (isLong ? Math.ceil(length / SLOT) : 0);
    }
    const arena = new Uint8Array(offsets[numWords]);
    for (let word = 0; word < numWords; word++) {
      const from = slots[word] * SLOT - offsets[word];
      for (let i = offsets[word]; i < offsets[word + 1]; i++) arena[i] = memory[from + i];
    }
    return { arena, offsets, counts };
  }
}
