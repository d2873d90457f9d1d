// Token ids as they are, one after the other, perhaps after llm.c's header.
import { UserError } from "../../errors.ts";
import { PendingFile, type PublishOptions } from "../../io/pending_file.ts";
import { PositionedFile } from "../../io/positioned_file.ts";
import { dtypeBytes, newTokenArray, type TokenArray, type TokenDtype } from "../npy_format.ts";
import { readProvenance, type TokenProvenance } from "../provenance.ts";
import type { TokenSource } from "../token_source.ts";

/** A file of little-endian ids, open for reading by range. */
export class RawTokens implements TokenSource, Disposable {
  readonly name: string;
  readonly dtype: TokenDtype;
  readonly length: number;
  readonly provenance?: TokenProvenance;
  readonly #file: PositionedFile;
  readonly #offset: number;

  private constructor(
    file: PositionedFile,
    dtype: TokenDtype,
    offset: number,
    length: number,
    provenance?: TokenProvenance,
  ) {
    this.name = file.path;
    this.dtype = dtype;
    this.length = length;
    this.provenance = provenance;
    this.#file = file;
    this.#offset = offset;
  }

  /**
   * Opens a file whose ids start at byte `offset` and go to its end.
   * @param length The number of ids that a header says; else what the size gives.
   * @throws {UserError} If the size does not fit, or the provenance beside it belongs to another file.
   */
  static async open(path: string, dtype: TokenDtype, offset = 0, length?: number): Promise<RawTokens> {
    const file = await PositionedFile.open(path);
    try {
      const bytes = file.size - offset, count = bytes / dtypeBytes(dtype);
      if (length !== undefined && count !== length) {
        const expected = offset + length * dtypeBytes(dtype);
        throw new UserError(
          `Cannot read ${path}: got ${file.size} bytes, must be ${expected} for the ${length} ids of its header. Fetch it again`,
        );
      }
      if (!Number.isInteger(count)) {
        throw new UserError(
          `Cannot read ${path}: got ${bytes} bytes, must be a multiple of ${dtypeBytes(dtype)}, for ids of ${dtype}`,
        );
      }
      return new RawTokens(file, dtype, offset, count, await readProvenance(path, file.size));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The ids at positions `start` (inclusive) to `end` (exclusive). */
  read(start: number, end: number): Promise<TokenArray> {
    const ids = newTokenArray(this.dtype, end - start);
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    this.#file.readAt(this.#offset + start * dtypeBytes(this.dtype), bytes);
    return Promise.resolve(ids);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Writes ids as they are, after a header whose contents depend on their number. The file appears when it is complete. */
export class RawTokenWriter {
  readonly #pending: PendingFile;
  readonly #dtype: TokenDtype;
  readonly #header: (length: number) => Uint8Array;
  readonly #options: PublishOptions;
  #length = 0;

  private constructor(
    pending: PendingFile,
    dtype: TokenDtype,
    header: (length: number) => Uint8Array,
    options: PublishOptions,
  ) {
    this.#pending = pending;
    this.#dtype = dtype;
    this.#header = header;
    this.#options = options;
  }

  /**
   * Opens the temporary file.
   * @param header Makes the header, always of the same length. Default: none.
   */
  static async create(
    path: string,
    dtype: TokenDtype,
    options: PublishOptions = {},
    header: (length: number) => Uint8Array = () => new Uint8Array(0),
  ): Promise<RawTokenWriter> {
    const writer = new RawTokenWriter(await PendingFile.create(path), dtype, header, options);
    await writer.#pending.write(header(0));
    return writer;
  }

  /** Appends ids, all of which fit the type. */
  async write(ids: TokenArray): Promise<void> {
    const isStored = ids.BYTES_PER_ELEMENT === dtypeBytes(this.#dtype);
    const stored = isStored ? ids : this.#dtype === "uint16" ? Uint16Array.from(ids) : Uint32Array.from(ids);
    await this.#pending.write(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    this.#length += ids.length;
  }

  /** Fills in the header, waits until all is on disk, and gives the file its name. */
  async close(): Promise<void> {
    await this.#pending.file.seek(0, Deno.SeekMode.Start);
    await this.#pending.write(this.#header(this.#length));
    await this.#pending.publish(this.#options);
  }

  /** Removes what was written, unless it was published. */
  async abort(): Promise<void> {
    await this.#pending[Symbol.asyncDispose]();
  }
}
