// Train and validation text from one's own: whole documents, drawn with a seed.
import { UserError } from "../errors.ts";
import { PendingFile, type PublishOptions } from "../io/pending_file.ts";
import { removeIfPresent } from "../io/remove_if_present.ts";
import { Philox } from "../random/philox.ts";

/** The random stream that documents are drawn from. */
const SPLIT_STREAM = 0x5511;

/** How documents are divided. */
export interface SplitDocumentsOptions extends PublishOptions {
  /** The chance of each document to go to the validation text: above 0, below 1. */
  readonly validFraction: number;
  readonly seed: number;
  /** Written after each document. */
  readonly separator: string;
  readonly onProgress?: (bytes: number) => void;
  /** Ends the work, between two documents; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What one part holds. */
export interface SplitPart {
  readonly documents: number;
  readonly bytes: number;
}

/**
 * The documents of a text: what stands between separators, without those that hold only white space.
 *
 * @param pieces The text, cut anywhere; pieces may be reused by their maker.
 */
export async function* documentsOf(
  pieces: AsyncIterable<Uint8Array>,
  separator: string,
): AsyncGenerator<Uint8Array> {
  const mark = new TextEncoder().encode(separator);
  let pending = new Uint8Array(0);
  for await (const piece of pieces) {
    const joined = new Uint8Array(pending.length + piece.length);
    joined.set(pending);
    joined.set(piece, pending.length);
    let from = 0;
    // A separator may lie across the seam, not before it.
    let at = indexOf(joined, mark, Math.max(0, pending.length - mark.length + 1));
    for (; at >= 0; at = indexOf(joined, mark, from)) {
      if (!isBlank(joined, from, at)) yield joined.subarray(from, at);
      from = at + mark.length;
    }
    pending = joined.slice(from);
  }
  if (!isBlank(pending, 0, pending.length)) yield pending;
}

/**
 * Writes each document, followed by the separator, to one of two files; which one depends on the seed and on the
 * document's position alone. Neither file appears before both are complete.
 *
 * @throws {UserError} If one of the files would be empty, or is there and not to be replaced.
 */
export async function splitDocuments(
  documents: AsyncIterable<Uint8Array>,
  paths: { readonly train: string; readonly valid: string },
  options: SplitDocumentsOptions,
): Promise<{ readonly train: SplitPart; readonly valid: SplitPart }> {
  const random = new Philox(options.seed, SPLIT_STREAM);
  const mark = new TextEncoder().encode(options.separator);
  await using train = await PartWriter.create(paths.train);
  await using valid = await PartWriter.create(paths.valid);
  let numDocuments = 0, bytes = 0;
  for await (const document of documents) {
    options.signal?.throwIfAborted();
    const part = random.uniform(numDocuments++) < options.validFraction ? valid : train;
    await part.write(document, mark);
    options.onProgress?.(bytes += document.length);
  }
  if (train.documents === 0 || valid.documents === 0) {
    throw new UserError(
      `Cannot split ${numDocuments} documents: got ${valid.documents} for validation, must be some in both parts. Choose another fraction or seed, or the separator that stands between your documents`,
    );
  }
  // After a kill between the two renames a part of an old split must not stand beside one of a new: they share documents.
  if (options.replace ?? true) await removeIfPresent(paths.valid);
  await train.publish(options);
  await valid.publish(options);
  return {
    train: { documents: train.documents, bytes: train.bytes },
    valid: { documents: valid.documents, bytes: valid.bytes },
  };
}

/** A text file under a temporary name. */
class PartWriter implements AsyncDisposable {
  documents = 0;
  bytes = 0;
  readonly #pending: PendingFile;

  private constructor(pending: PendingFile) {
    this.#pending = pending;
  }

  static async create(path: string): Promise<PartWriter> {
    return new PartWriter(await PendingFile.create(path));
  }

  async write(document: Uint8Array, mark: Uint8Array): Promise<void> {
    await this.#pending.write(document);
    await this.#pending.write(mark);
    this.documents++;
    this.bytes += document.length + mark.length;
  }

  async publish(options: PublishOptions): Promise<void> {
    await this.#pending.publish(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pending[Symbol.asyncDispose]();
  }
}

function indexOf(bytes: Uint8Array, mark: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(mark[0], from); at >= 0; at = bytes.indexOf(mark[0], at + 1)) {
    let i = 1;
    while (i < mark.length && bytes[at + i] === mark[i]) i++;
    if (i === mark.length) return at;
  }
  return -1;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0x20 && (bytes[i] < 9 || bytes[i] > 13)) return false;
  return true;
}
