// Splits your own text into training and validation text: whole documents, drawn with a seed.
import { UserError } from "../errors.ts";
import { PendingFile, type PublishOptions } from "../io/pending_file.ts";
import { removeIfPresent } from "../io/remove_if_present.ts";
import { Philox } from "../random/philox.ts";
import { documentHash, HashSet } from "./document_hash.ts";
import { indexOfBytes } from "./documents.ts";
import { SharedDocuments } from "./shared_documents.ts";

/** The random stream for drawing documents. */
const SPLIT_STREAM = 0x5511;

/** Options for `splitDocuments`. */
export interface SplitDocumentsOptions extends PublishOptions {
  /** The probability that a document goes to the validation text: above 0, below 1. */
  readonly validFraction: number;
  /** The same seed and documents give the same parts. */
  readonly seed: number;
  /** Written after each document. */
  readonly separator: string;
  /**
   * Whether to leave out documents that came before, byte for byte except for white space at their ends. The others go
   * where they go without this. Default: no.
   */
  readonly dropDuplicates?: boolean;
  /** Called with the number of bytes of text read so far. */
  readonly onProgress?: (bytes: number) => void;
  /** Stops between two documents; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** The contents of one part. */
export interface SplitPart {
  /** Documents written. */
  readonly documents: number;
  /** Bytes written. */
  readonly bytes: number;
}

/** The result of a split. */
export interface SplitResult {
  /** The text to train on. */
  readonly train: SplitPart;
  /** The held-out text. */
  readonly valid: SplitPart;
  /**
   * How many validation documents are training documents too, byte for byte except for white space at their ends: their
   * loss tells you nothing.
   */
  readonly sharedDocuments: number;
  /** How many documents were left out because they came before. */
  readonly droppedDocuments: number;
  /** How many documents contain the separator, and so are read back as several documents. */
  readonly dividedDocuments: number;
}

/**
 * Writes each document, followed by the separator, to one of two files. Which one depends only on the seed and on the
 * document's position. Neither file appears before both are complete.
 *
 * @throws {UserError} If one of the files would be empty, or exists and must not be replaced.
 */
export async function splitDocuments(
  documents: AsyncIterable<Uint8Array>,
  paths: { readonly train: string; readonly valid: string },
  options: SplitDocumentsOptions,
): Promise<SplitResult> {
  const random = new Philox(options.seed, SPLIT_STREAM);
  const mark = new TextEncoder().encode(options.separator);
  await using train = await PartWriter.create(paths.train);
  await using valid = await PartWriter.create(paths.valid);
  const shared = new SharedDocuments();
  const kept = options.dropDuplicates ? new HashSet() : undefined;
  let numDocuments = 0, droppedDocuments = 0, dividedDocuments = 0, bytes = 0;
  for await (const document of documents) {
    options.signal?.throwIfAborted();
    const isValid = random.uniform(numDocuments++) < options.validFraction;
    options.onProgress?.(bytes += document.length);
    if (kept === undefined) {
      shared.add(document, isValid ? "valid" : "train");
    } else if (!kept.add(documentHash(document))) {
      droppedDocuments++;
      continue;
    }
    if (indexOfBytes(document, mark) >= 0) dividedDocuments++;
    await (isValid ? valid : train).write(document, mark);
  }
  if (train.documents === 0 || valid.documents === 0) {
    throw new UserError(
      `Cannot split ${
        numDocuments - droppedDocuments
      } documents: got ${valid.documents} for validation, must leave some in both parts. Choose another fraction or seed, or the separator that stands between your documents`,
    );
  }
  // If killed between the two renames, a part of an old split must not be left beside a new one: they share documents.
  if (options.replace ?? true) await removeIfPresent(paths.valid);
  await train.publish(options);
  await valid.publish(options);
  return {
    train: { documents: train.documents, bytes: train.bytes },
    valid: { documents: valid.documents, bytes: valid.bytes },
    sharedDocuments: shared.count(),
    droppedDocuments,
    dividedDocuments,
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
