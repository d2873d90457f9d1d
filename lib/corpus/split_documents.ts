// Train and validation text from one's own: whole documents, drawn with a seed.
import { UserError } from "../errors.ts";
import { PendingFile, type PublishOptions } from "../io/pending_file.ts";
import { removeIfPresent } from "../io/remove_if_present.ts";
import { Philox } from "../random/philox.ts";
import { documentHash, HashSet } from "./document_hash.ts";
import { indexOfBytes } from "./documents.ts";
import { SharedDocuments } from "./shared_documents.ts";

/** The random stream that documents are drawn from. */
const SPLIT_STREAM = 0x5511;

/** How documents are divided. */
export interface SplitDocumentsOptions extends PublishOptions {
  /** The chance of each document to go to the validation text: above 0, below 1. */
  readonly validFraction: number;
  /** The same seed and documents give the same parts. */
  readonly seed: number;
  /** Written after each document. */
  readonly separator: string;
  /**
   * Whether documents are left out that came before, byte for byte but for white space at their ends. The others go where
   * they go without. Default: no.
   */
  readonly dropDuplicates?: boolean;
  /** Called with the bytes of text read so far. */
  readonly onProgress?: (bytes: number) => void;
  /** Ends the work, between two documents; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What one part holds. */
export interface SplitPart {
  /** Documents written. */
  readonly documents: number;
  /** Bytes written. */
  readonly bytes: number;
}

/** What a split came to. */
export interface SplitResult {
  /** What is to be trained on. */
  readonly train: SplitPart;
  /** What is held out. */
  readonly valid: SplitPart;
  /**
   * How many validation documents are training documents too, byte for byte but for white space at their ends: their loss
   * tells nothing.
   */
  readonly sharedDocuments: number;
  /** How many documents were left out because they came before. */
  readonly droppedDocuments: number;
  /** How many documents have the separator in them, so that whoever reads the parts finds several in their place. */
  readonly dividedDocuments: number;
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
      } documents: got ${valid.documents} for validation, must be some in both parts. Choose another fraction or seed, or the separator that stands between your documents`,
    );
  }
  // After a kill between the two renames a part of an old split must not stand beside one of a new: they share documents.
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
