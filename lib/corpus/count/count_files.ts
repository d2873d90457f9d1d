// Counts the pre-tokens of files, on several threads.
import { requireUnchanged, stampFiles } from "../../io/file_stamp.ts";
import { SegmentQueue } from "../../io/segment_queue.ts";
import { numThreadsFor, workOnSegments } from "../../io/segment_work.ts";
import type { WordCounter } from "../../tokenizer/train/count.ts";
import { type FileSegments, numSegments, SegmentReader, totalBytes, wholeFiles } from "./file_segments.ts";
import type { Pattern } from "../../tokenizer/pretokenize/named_patterns.ts";
import type { NormalizerStep } from "../../tokenizer/normalize/normalizer_steps.ts";
import type { SpecialTokens } from "../../tokenizer/pretokenize/special_tokens.ts";

const SEGMENT_BYTES = 1 << 22;

/** A worker's job. */
export interface CountJob {
  readonly files: FileSegments;
  readonly queue: SharedArrayBuffer;
  readonly pattern: Pattern;
  readonly normalizer: readonly NormalizerStep[];
  readonly specialTexts: readonly string[];
}

/** Options for counting files. */
export interface CountFilesOptions {
  /** Threads, this one included. Default: one per processor, fewer for little text. */
  readonly workers?: number;
  /** About how many bytes a thread takes at a time. Default: 4 MiB. */
  readonly segmentBytes?: number;
  /** Called with the number of bytes read so far. */
  readonly onProgress?: (bytesRead: number) => void;
  /** Stops counting. */
  readonly signal?: AbortSignal;
}

/** Counts segments until none are left; yields after each. */
export function* countSegments(
  counter: WordCounter,
  files: FileSegments,
  specials: SpecialTokens,
  queue: SegmentQueue,
): Generator<void> {
  using reader = new SegmentReader(files, specials);
  for (let segment = queue.take(); segment >= 0; segment = queue.take()) {
    if (!reader.beginsText(segment)) counter.continueText();
    const { bytes, readMs } = reader.read(segment, (piece) => counter.push(piece));
    counter.endText();
    queue.addDone(bytes, Math.round(readMs * 1000));
    yield;
  }
}

/**
 * Adds the pre-tokens of files to `counter`. Returns the average number of seconds that a thread spent reading.
 * @throws {UserError} If somebody writes to a file meanwhile.
 */
export async function countFiles(
  counter: WordCounter,
  paths: readonly string[],
  specials: SpecialTokens,
  options: CountFilesOptions = {},
): Promise<number> {
  if (paths.length === 0) {
    // Threads share memory, which a browser gives only to pages that are kept apart from others.
    options.signal?.throwIfAborted();
    options.onProgress?.(0);
    return 0;
  }
  const stamps = stampFiles(paths.map((path) => ({ path })));
  const files = { ranges: await wholeFiles(paths), segmentBytes: options.segmentBytes ?? SEGMENT_BYTES };
  const queue = new SegmentQueue(numSegments(files));
  const numThreads = numThreadsFor(totalBytes(files), options.workers);
  const specialTexts = specials.list.map(({ text }) => text);
  await workOnSegments<CountJob, Uint8Array>({
    queue,
    own: countSegments(counter, files, specials, queue),
    workerUrl: new URL("./count_worker.ts", import.meta.url),
    job: { files, queue: queue.buffer, pattern: counter.pattern, normalizer: counter.normalizer, specialTexts },
    numThreads,
    onReport: (part) => counter.add(part),
    onProgress: () => options.onProgress?.(queue.bytesDone),
    signal: options.signal,
  });
  requireUnchanged(stamps);
  // The queue counts microseconds of reading.
  return queue.countDone / 1e6 / Math.max(1, numThreads);
}
