// Text in, tokenizer out.
import { countFiles } from "./count_files.ts";
import { WordCounter } from "./count.ts";
import type { PatternName } from "./patterns.ts";
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
  /** What splits text into the words that merges are learned within. Default: `"gpt2"`. */
  readonly pattern?: PatternName;
  /** Threads that read files, this one included. Default: one per processor, fewer for little text. */
  readonly workers?: number;
  /** About how many bytes of a file a thread takes at a time. Default: 4 MiB. The result does not depend on it. */
  readonly segmentBytes?: number;
  /** Ends the reading of text. */
  readonly signal?: AbortSignal;
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
  const pattern = options.pattern ?? "gpt2";
  const specials = new SpecialTokens(specialTexts.map((text, id) => ({ text, id })));
  const counter = new WordCounter(pattern, specials);
  const { onProgress, signal, workers, segmentBytes } = options;
  const paths: string[] = [];
  let bytesRead = 0;
  for (const source of Array.isArray(sources) ? sources as readonly TextSource[] : [sources as TextSource]) {
    if (typeof source === "object" && "path" in source) {
      paths.push(source.path);
      continue;
    }
    for await (const piece of textPieces(source)) {
      signal?.throwIfAborted();
      counter.push(piece);
      onProgress?.(bytesRead += piece.length);
    }
    counter.endText();
  }
  await countFiles(counter, paths, specials, {
    workers,
    segmentBytes,
    signal,
    onProgress: (bytes) => onProgress?.(bytesRead + bytes),
  });
  return new Tokenizer(trainVocabulary(counter.result, options.vocabSize, specialTexts, pattern));
}
