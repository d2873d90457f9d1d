// Text in, tokenizer out.
import { type CountedText, countTexts, type CountTextsOptions } from "./count/count_texts.ts";
import type { TextSource } from "./text_source.ts";
import type { Texts } from "./texts.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { requireVocabSize, trainVocabulary } from "../tokenizer/train/train.ts";

/**
 * Options for training. The special tokens get the ids 0, 1, …, except those that are one printable ASCII character:
 * each of these is the token of that byte.
 */
export interface TrainBpeOptions extends CountTextsOptions {
  /** Total number of tokens: special tokens, 256 bytes, and merges for the rest. */
  readonly vocabSize: number;
}

/**
 * Trains a byte-level BPE tokenizer.
 *
 * @param sources One text or several. Nothing is merged across texts or special tokens.
 * @throws {UserError} If the vocabulary is too small for bytes and special tokens, or larger than the text allows.
 */
export async function trainBpe(
  sources: TextSource | Texts | readonly (TextSource | Texts)[],
  options: TrainBpeOptions,
): Promise<Tokenizer> {
  requireVocabSize(options.vocabSize, [...new Set(options.specialTokens ?? ["<|endoftext|>"])]);
  const all = Array.isArray(sources) ? sources as readonly (TextSource | Texts)[] : [sources as TextSource | Texts];
  return trainBpeFromCounts(await countTexts(all, options), options);
}

/** Trains on words that were counted earlier, here or elsewhere. Throws as {@linkcode trainBpe} does. */
export function trainBpeFromCounts(counted: CountedText, { vocabSize }: { readonly vocabSize: number }): Tokenizer {
  return new Tokenizer(
    trainVocabulary(counted.words, vocabSize, counted.specialTokens, counted.pattern, counted.normalizer),
  );
}
