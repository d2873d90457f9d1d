// Encodes segments of files into their places in one output file.
import { namingFileSync } from "../../io/write_error.ts";
import { SegmentQueue } from "../../io/segment_queue.ts";
import { Encoder } from "../../tokenizer/encode/encoder.ts";
import type { IdsView } from "../../tokenizer/encode/id_chunks.ts";
import { type FileSegments, SegmentReader } from "../count/file_segments.ts";
import { specialsFor } from "../../tokenizer/encode/text_preparation.ts";
import type { SpecialToken } from "../../tokenizer/pretokenize/special_tokens.ts";
import { encodingSplitter } from "../../tokenizer/encode/text_encoding.ts";
import { TokenBytes } from "../../tokenizer/encode/token_bytes.ts";
import type { AroundIds } from "../../tokenizer/vocabulary/post_processor_json.ts";
import type { Vocabulary } from "../../tokenizer/vocabulary/vocabulary.ts";
import {
  dtypeBytes,
  newTokenArray,
  NPY_HEADER_BYTES,
  type TokenArray,
  type TokenDtype,
} from "../../dataset/npy_format.ts";

/** A thread's job. */
export interface EncodeJob {
  readonly files: FileSegments;
  readonly queue: SharedArrayBuffer;
  readonly vocabulary: Vocabulary;
  /** The .npy file, which exists. Its header is written elsewhere. */
  readonly output: string;
  readonly dtype: TokenDtype;
  /** How special tokens in the text are encoded. */
  readonly specials: "special" | "text";
  /** Text that is encoded as one id. */
  readonly documentSeparator?: SpecialToken;
  /** The id to put at the end of each range in `endingTexts`. */
  readonly separatorId?: number;
  /** Ids to put around each text. */
  readonly around?: AroundIds;
  /** Whether a text ends with each range. */
  readonly endingTexts: readonly boolean[];
}

/** Ids are written when there are this many and their place is known, or when their segment ends. */
const MAX_BUFFERED = 1 << 22;

/**
 * Encodes segments until none are left. Yields nothing after each, and a segment's number if it must first be known
 * where its ids go in the file.
 */
export function* encodeSegments(
  { files, vocabulary, output, dtype, separatorId, around, endingTexts, ...job }: EncodeJob,
  queue: SegmentQueue,
): Generator<number | undefined> {
  const specials = specialsFor(vocabulary, job);
  using reader = new SegmentReader(files, specials);
  using file = Deno.openSync(output, { write: true });
  const buffer = new SegmentIds(file, output, queue, dtype);
  // The vocabulary may come from another thread and have lost its class.
  const encoder = new Encoder({ ...vocabulary, tokens: TokenBytes.from(vocabulary.tokens) }, dtype === "uint16");
  const encoding = encodingSplitter(encoder, specials, (ids) => buffer.append(ids));
  for (let segment = queue.take(); segment >= 0; segment = queue.take()) {
    buffer.begin(segment);
    if (!reader.beginsText(segment)) encoding.continueText();
    else if (around !== undefined) buffer.append(Uint32Array.from(around.before));
    const { bytes, endedRange } = reader.read(segment, (piece) => encoding.push(piece));
    encoding.flush();
    if (around !== undefined && endingTexts[endedRange]) buffer.append(Uint32Array.from(around.after));
    if (separatorId !== undefined && endingTexts[endedRange]) buffer.append(Uint32Array.of(separatorId));
    while (!queue.isStartKnown(segment)) yield segment;
    queue.addDone(bytes, buffer.end());
    yield undefined;
  }
}

/** The ids of one segment on their way to the file. */
class SegmentIds {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #queue: SegmentQueue;
  readonly #idBytes: number;
  #ids: TokenArray;
  #length = 0;
  #segment = 0;
  /** Where the next ids go in the file, counted in ids; -1 until that is needed. */
  #position = -1;
  /** How many ids of this segment have been written. */
  #written = 0;

  constructor(file: Deno.FsFile, path: string, queue: SegmentQueue, dtype: TokenDtype) {
    this.#file = file;
    this.#path = path;
    this.#queue = queue;
    this.#idBytes = dtypeBytes(dtype);
    this.#ids = newTokenArray(dtype, 1 << 16);
  }

  begin(segment: number): void {
    this.#segment = segment;
    this.#position = -1;
    this.#written = 0;
  }

  append(ids: IdsView): void {
    if (this.#length + ids.length > MAX_BUFFERED && this.#queue.isStartKnown(this.#segment)) this.#write();
    const length = this.#length + ids.length;
    if (length > this.#ids.length) {
      const grown = newTokenArray(this.#idBytes === 2 ? "uint16" : "uint32", Math.max(length, this.#ids.length * 2));
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids.set(ids, this.#length);
    this.#length = length;
  }

  /** Writes the rest; returns how many ids the segment has. */
  end(): number {
    const count = this.#written + this.#length;
    if (this.#position < 0) this.#position = this.#queue.outputStart(this.#segment);
    this.#queue.publishOutputEnd(this.#segment, this.#position + this.#length);
    this.#write();
    return count;
  }

  #write(): void {
    if (this.#position < 0) this.#position = this.#queue.outputStart(this.#segment);
    this.#file.seekSync(NPY_HEADER_BYTES + this.#position * this.#idBytes, Deno.SeekMode.Start);
    const bytes = new Uint8Array(this.#ids.buffer, 0, this.#length * this.#idBytes);
    namingFileSync(this.#path, () => {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    });
    this.#position += this.#length;
    this.#written += this.#length;
    this.#length = 0;
  }
}
