// Text in, tokenizer out.
import { type CountedText, countTexts, type CountTextsOptions } from "./count/count_texts.ts";
import type { TextSource } from "./text_source.ts";
import type { Texts } from "./texts.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { requireVocabSize, trainVocabulary } from "../tokenizer/train/train.ts";

/**
 * What to train. The special tokens get the ids 0, 1, …, but for those of one printable ASCII character, each of which is
 * the token of that byte.
 */
export interface TrainBpeOptions extends CountTextsOptions {
  /** Number of tokens altogether: specials, 256 bytes, and as many merges as are left. */
  readonly vocabSize: number;
}

/**
 * Trains a byte-level BPE tokenizer.
 *
 * @param sources One text or several; nothing is merged across texts, or across special tokens.
 * @throws {UserError} if the vocabulary is smaller than bytes and specials need, or larger than the text can give.
 */
export async function trainBpe(
  sources: TextSource | Texts | readonly (TextSource | Texts)[],
  options: TrainBpeOptions,
): Promise<Tokenizer> {
  requireVocabSize(options.vocabSize, [...new Set(options.specialTokens ?? ["<|endoftext|>"])]);
  const all = Array.isArray(sources) ? sources as readonly (TextSource | Texts)[] : [sources as TextSource | Texts];
  return trainBpeFromCounts(await countTexts(all, options), options);
}

/** Trains on words that were counted before, here or elsewhere. Throws as {@linkcode trainBpe}. */
export function trainBpeFromCounts(counted: CountedText, { vocabSize }: { readonly vocabSize: number }): Tokenizer {
  return new Tokenizer(trainVocabulary(counted.words, vocabSize, counted.specialTokens, counted.pattern));
}
