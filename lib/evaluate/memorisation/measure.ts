import { textPieces, type TextSource } from "../../corpus/text_source.ts";
import { type Texts, textsOf } from "../../corpus/texts.ts";
import { type Overlap, OverlapFinder } from "./overlaps.ts";
import { SharedWindows, type WindowCount } from "./shared_windows.ts";

/** Options for `measureMemorisation`. */
export interface MemorisationOptions {
  /** Texts that a model generated. */
  readonly samples: readonly Uint8Array[];
  /** The training text. */
  readonly corpus: TextSource | Texts;
  /**
   * Texts of the same lengths that are not copied from the corpus: they show how long overlaps are by the nature of the
   * language.
   */
  readonly baseline?: readonly Uint8Array[];
  /** Held-out text whose windows are looked up in the corpus. */
  readonly valid?: readonly Uint8Array[];
  /** Length of these windows. Default: 50. */
  readonly windowBytes?: number;
  /** Called with the number of bytes of the corpus that have been read. */
  readonly onProgress?: (bytes: number) => void;
  /** Stops the search, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The longest overlaps of several texts with a corpus. */
export interface OverlapSummary {
  /** Of each text. */
  readonly overlaps: readonly Overlap[];
  /** The median of their lengths in bytes; for an even number, the mean of the two in the middle. */
  readonly median: number;
  /** The longest, in bytes. */
  readonly max: number;
  /** The first of the longest: the text that has it, and the bytes themselves. */
  readonly longest: Overlap & { readonly text: number; readonly content: Uint8Array };
}

/** The result. */
export interface MemorisationReport {
  /** Bytes of the corpus. */
  readonly corpusBytes: number;
  /** Of the generated texts. */
  readonly samples: OverlapSummary;
  /** Of the texts for comparison, if there are any. */
  readonly baseline?: OverlapSummary;
  /** Windows of the held-out text, and how many of them occur in the corpus. */
  readonly duplicates?: WindowCount & { readonly windowBytes: number };
}

/** Bytes of held-out text, in windows of 50, that tell about as much as all of it would. */
export const MAX_VALID_BYTES = 4 << 20;

const DEFAULT_WINDOW_BYTES = 50;

/**
 * Measures how much of generated texts was copied from a corpus, and how much of a held-out text occurs in it. The
 * corpus
 * is streamed once; only the other texts are held in memory. Both measures are exact.
 *
 * @throws {RangeError} If there are no samples, or `windowBytes` is not a positive integer.
 */
export async function measureMemorisation(options: MemorisationOptions): Promise<MemorisationReport> {
  const { samples, corpus, baseline = [], valid, windowBytes = DEFAULT_WINDOW_BYTES, signal, onProgress } = options;
  if (samples.length === 0) throw new RangeError("Cannot measure memorisation: got no samples, must be at least one");
  const finder = new OverlapFinder([...samples, ...baseline]);
  const windows = valid && new SharedWindows(valid, windowBytes);
  let corpusBytes = 0;
  for await (const text of textsOf(corpus)) {
    for await (const piece of textPieces(text)) {
      signal?.throwIfAborted();
      finder.push(piece);
      windows?.push(piece);
      corpusBytes += piece.length;
      onProgress?.(corpusBytes);
    }
    finder.endDocument();
    windows?.endDocument();
  }
  const overlaps = finder.overlaps();
  return {
    corpusBytes,
    samples: summarize(samples, overlaps.slice(0, samples.length)),
    ...(baseline.length > 0 && { baseline: summarize(baseline, overlaps.slice(samples.length)) }),
    ...(windows && { duplicates: { ...windows.count(), windowBytes } }),
  };
}

function summarize(texts: readonly Uint8Array[], overlaps: readonly Overlap[]): OverlapSummary {
  const lengths = overlaps.map(({ bytes }) => bytes).sort((a, b) => a - b);
  const middle = lengths.length >> 1;
  const median = lengths.length % 2 === 1 ? lengths[middle] : (lengths[middle - 1] + lengths[middle]) / 2;
  const max = lengths[lengths.length - 1];
  const text = overlaps.findIndex(({ bytes }) => bytes === max);
  const { start } = overlaps[text];
  return {
    overlaps,
    median,
    max,
    longest: { ...overlaps[text], text, content: texts[text].slice(start, start + max) },
  };
}
