// Encodes text files into a file of token ids, on several threads.
import { requireUnchanged, stampFiles } from "../../io/file_stamp.ts";
import { PendingFile, type PublishOptions } from "../../io/pending_file.ts";
import { SegmentQueue } from "../../io/segment_queue.ts";
import { numThreadsFor, workOnSegments } from "../../io/segment_work.ts";
import { type FileRange, numSegments, totalBytes } from "../count/file_segments.ts";
import type { EncodeOptions, Tokenizer } from "../../tokenizer/tokenizer.ts";
import { type EncodeJob, encodeSegments } from "./encode_segments.ts";
import type { Vocabulary } from "../../tokenizer/vocabulary/vocabulary.ts";
import { npyHeader, tokenDtype } from "../../dataset/npy_format.ts";

const SEGMENT_BYTES = 1 << 22;

/** How much was encoded. */
export interface Encoded {
  /** Size of the text. */
  readonly bytes: number;
  /** Number of ids. */
  readonly tokens: number;
}

/** Options for encoding files. */
export interface EncodeFilesOptions extends EncodeOptions, PublishOptions {
  /** The id to put after each range that ends a text. Default: none. */
  readonly separatorId?: number;
  /** Threads, this one included. Default: one per processor, fewer for little text. The ids do not depend on it. */
  readonly workers?: number;
  /** About how many bytes a thread takes at a time. Default: 4 MiB. The ids do not depend on it. */
  readonly segmentBytes?: number;
  /** Called with the progress so far. */
  readonly onProgress?: (done: Encoded) => void;
  /** Called when all ids are written, before the file gets its final name. */
  readonly onWritten?: () => Promise<void>;
  /** Stops encoding; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/**
 * Encodes files, or ranges of them, one after the other into the .npy file `output`: uint16 if every id of the
 * tokenizer fits, else uint32. The file appears when it is complete and on disk.
 *
 * @param ranges What to encode; `endsText` tells whether a text ends there or continues in another range.
 * @throws {UserError} If somebody writes to a file meanwhile.
 */
export async function encodeFiles(
  tokenizer: Tokenizer,
  ranges: readonly (FileRange & { readonly endsText: boolean })[],
  output: string,
  options: EncodeFilesOptions = {},
): Promise<Encoded> {
  const files = {
    ranges: ranges.map(({ path, start, end }) => ({ path, start, end })),
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
  };
  const queue = new SegmentQueue(numSegments(files));
  await using pending = await PendingFile.create(output);
  const dtype = tokenDtype(tokenizer.vocabSize);
  const job: EncodeJob = {
    files,
    queue: queue.buffer,
    vocabulary: withoutFiles(tokenizer.vocabulary),
    output: pending.temporary,
    dtype,
    specials: options.specials ?? "special",
    documentSeparator: options.documentSeparator,
    separatorId: options.separatorId,
    around: options.addSpecial === true ? tokenizer.vocabulary.around : undefined,
    endingTexts: ranges.map(({ endsText }) => endsText),
  };
  const stamps = stampFiles(ranges);
  // The length of the array is not known yet, but the header's is.
  await pending.write(npyHeader(dtype, 0));
  await workOnSegments<EncodeJob, never>({
    queue,
    own: encodeSegments(job, queue),
    workerUrl: new URL("./encode_worker.ts", import.meta.url),
    job,
    numThreads: numThreadsFor(totalBytes(files), options.workers),
    onReport: () => {},
    onProgress: () => options.onProgress?.({ bytes: queue.bytesDone, tokens: queue.countDone }),
    signal: options.signal,
  });
  requireUnchanged(stamps);
  await pending.file.seek(0, Deno.SeekMode.Start);
  await pending.write(npyHeader(dtype, queue.countDone));
  await options.onWritten?.();
  await pending.publish(options);
  return { bytes: queue.bytesDone, tokens: queue.countDone };
}

/** A vocabulary for other threads, without what it keeps of its files, which changes no id. */
function withoutFiles({ kept: _kept, config: _config, sentencePieces, ...vocabulary }: Vocabulary): Vocabulary {
  return { ...vocabulary, ...(sentencePieces && { sentencePieces: { ...sentencePieces, parts: {} } }) };
}
