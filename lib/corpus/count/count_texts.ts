// Counts the words of texts, which is all that training needs to know about them.
import { isFile } from "../../io/is_file.ts";
import { countFiles } from "./count_files.ts";
import { WordCounter } from "../../tokenizer/train/count.ts";
import type { Pattern } from "../../tokenizer/pretokenize/named_patterns.ts";
import { LongStretchError } from "../../tokenizer/pretokenize/long_stretch.ts";
import { dividingTokens } from "../../tokenizer/encode/text_preparation.ts";
import type { NormalizerStep } from "../../tokenizer/normalize/normalizer_steps.ts";
import { textPieces, type TextSource } from "../text_source.ts";
import { type Texts, textsOf } from "../texts.ts";
import type { WordCounts } from "../../tokenizer/train/word_counts.ts";

/** Options for `countTexts`. */
export interface CountTextsOptions {
  /** Texts that split the input. Default: `["<|endoftext|>"]`. */
  readonly specialTokens?: readonly string[];
  /** Text that splits the input too, but is no special token: what stands between documents. Default: none. */
  readonly documentSeparator?: string;
  /** The pattern that splits text into words; merges stay within words. Default: `"gpt2"`. */
  readonly pattern?: Pattern;
  /** How text is changed before it is split. Default: not at all. */
  readonly normalizer?: readonly NormalizerStep[];
  /** Threads that read files, this one included. Default: one per processor, fewer for little text. */
  readonly workers?: number;
  /** About how many bytes of a file a thread takes at a time. Default: 4 MiB. The result does not depend on it. */
  readonly segmentBytes?: number;
  /** The names of the sources, for messages; files are named by their paths. */
  readonly names?: readonly string[];
  /** Stops reading text. */
  readonly signal?: AbortSignal;
  /** Called while text is read, with the number of bytes so far. */
  readonly onProgress?: (bytesRead: number) => void;
}

/** Word counts, and how the text was split into words. */
export interface CountedText {
  /** The words, and how often each one occurs. */
  readonly words: WordCounts;
  /** The special tokens that divided it; they are not counted. */
  readonly specialTokens: readonly string[];
  /** The pattern that split the text between them. */
  readonly pattern: Pattern;
  /** How the text was changed before. Default: not at all. */
  readonly normalizer?: readonly NormalizerStep[];
}

/** How much text was counted, and where the time went. With several threads, the reading time is their average. */
export interface CountTimes {
  /** Bytes of text. */
  readonly bytes: number;
  /** Seconds spent waiting for text. */
  readonly readSeconds: number;
  /** Seconds spent splitting and counting. */
  readonly pretokenizeSeconds: number;
}

/** Counts the pre-tokens of one text or several. None reaches from one text into the next. */
export async function countTexts(
  sources: readonly (TextSource | Texts)[],
  options: CountTextsOptions = {},
): Promise<CountedText & CountTimes> {
  const specialTokens = [...new Set(options.specialTokens ?? ["<|endoftext|>"])];
  const pattern = options.pattern ?? "gpt2";
  const dividing = new Set([
    ...specialTokens,
    ...options.documentSeparator === undefined ? [] : [options.documentSeparator],
  ]);
  const { normalizer = [] } = options;
  const specials = dividingTokens([...dividing], { pattern, normalizer });
  const counter = new WordCounter(pattern, specials, normalizer);
  const { onProgress, signal, workers, segmentBytes } = options;
  const started = performance.now();
  const paths: string[] = [];
  let bytes = 0, countingMs = 0;
  const timed = (count: () => void) => {
    const before = performance.now();
    count();
    countingMs += performance.now() - before;
  };
  for (const [i, source] of sources.entries()) {
    // A pipe has no size, so it cannot be divided among threads.
    if (typeof source === "object" && "path" in source && await isFile(source.path)) {
      paths.push(source.path);
      continue;
    }
    let numTexts = 0;
    const isMany = typeof source === "object" && "texts" in source;
    try {
      for await (const text of textsOf(source)) {
        numTexts++;
        for await (const piece of textPieces(text)) {
          signal?.throwIfAborted();
          timed(() => counter.push(piece));
          onProgress?.(bytes += piece.length);
        }
        timed(() => counter.endText());
      }
    } catch (error) {
      if (!(error instanceof LongStretchError)) throw error;
      const name = options.names?.[i] ?? "the text";
      throw error.within(0, isMany ? `${name}, text ${numTexts}` : name);
    }
  }
  let readSeconds = (performance.now() - started - countingMs) / 1000;
  let fileBytes = 0;
  readSeconds += await countFiles(counter, paths, specials, {
    workers,
    segmentBytes,
    signal,
    onProgress: (done) => onProgress?.(bytes + (fileBytes = done)),
  });
  const words = counter.result;
  const seconds = (performance.now() - started) / 1000;
  const pretokenizeSeconds = Math.max(0, seconds - readSeconds);
  const how = { pattern, ...(normalizer.length > 0 && { normalizer }) };
  return { words, specialTokens, ...how, bytes: bytes + fileBytes, readSeconds, pretokenizeSeconds };
}
