// Text in, tokenizer out.
import { WordCounter } from "./count.ts";
import { SpecialTokens } from "./special_tokens.ts";
import { textPieces, type TextSource } from "./text_source.ts";
import { Tokenizer } from "./tokenizer.ts";
import { requireVocabSize, trainVocabulary } from "./train.ts";

/** What to train. */
export interface TrainBpeOptions {
  /** Number of tokens altogether: specials, 256 bytes, and as many merges as are left. */
  readonly vocabSize: number;
  /** Texts that split the input and become one token each, with the ids 0, 1, … Default: `["<|endoftext|>"]`. */
  readonly specialTokens?: readonly string[];
  /** Called while text is read, with the bytes read so far. */
  readonly onProgress?: (bytesRead: number) => void;
}

/**
 * Trains a byte-level BPE tokenizer.
 *
 * @param sources One text or several; nothing is merged across texts, or across special tokens.
 * @throws {UserError} if the vocabulary is smaller than bytes and specials need, or larger than the text can give.
 */
export async function trainBpe(
  sources: TextSource | readonly TextSource[],
  options: TrainBpeOptions,
): Promise<Tokenizer> {
  const specialTexts = [...new Set(options.specialTokens ?? ["<|endoftext|>"])];
  requireVocabSize(options.vocabSize, specialTexts.length);
  const counter = new WordCounter(new SpecialTokens(specialTexts.map((text, id) => ({ text, id }))));
  let bytesRead = 0;
  for (const source of Array.isArray(sources) ? sources : [sources]) {
    for await (const piece of textPieces(source)) {
      counter.push(piece);
      options.onProgress?.(bytesRead += piece.length);
    }
    counter.endText();
  }
  return new Tokenizer(trainVocabulary(counter.result, options.vocabSize, specialTexts));
}
