// Token ids on disk: read whole or by range, written as a stream.
import { UserError } from "../errors.ts";
import { PendingFile, type PublishOptions } from "../io/pending_file.ts";
import {
  dtypeBytes,
  newTokenArray,
  type NpyHeader,
  npyHeader,
  parseNpyHeader,
  type TokenArray,
  type TokenDtype,
} from "./npy_format.ts";
import type { TokenSource } from "./token_source.ts";

// Headers of other writers may be longer than ours; NumPy pads to 64 bytes and stays far below this.
const MAX_HEADER_BYTES = 4096;

/** A .npy file of token ids, open for reading by range. Close it, or declare it with `using`. */
export class NpyReader implements TokenSource, Disposable {
  /** The file's path. */
  readonly name: string;
  readonly dtype: TokenDtype;
  /** Number of token ids. */
  readonly length: number;
  readonly #offset: number;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile, header: NpyHeader) {
    this.name = path;
    this.#file = file;
    this.#offset = header.offset;
    this.dtype = header.dtype;
    this.length = header.length;
  }

  /** @throws {UserError} if the file is not a .npy file of uint16 or uint32, or is shorter or longer than it says. */
  static async open(path: string): Promise<NpyReader> {
    const file = await Deno.open(path, { read: true });
    try {
      const start = new Uint8Array(MAX_HEADER_BYTES);
      const header = parseNpyHeader(start.subarray(0, await readFully(file, start)), path);
      const expected = header.offset + header.length * dtypeBytes(header.dtype);
      const { size } = await file.stat();
      if (size !== expected) {
        const problem = size < expected ? "truncated" : "longer than its header says";
        throw new UserError(
          `Cannot read ${path}: got ${size} bytes, must be ${expected} (the file is ${problem}). Write it again with: deno task encode`,
        );
      }
      return new NpyReader(path, file, header);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The ids at positions `start` (inclusive) to `end` (exclusive), in an array of the caller's own.
   *
   * @throws {RangeError} if the range is not within the file.
   */
  async read(start = 0, end = this.length): Promise<TokenArray> {
    if (!(start >= 0 && start <= end && end <= this.length)) {
      throw new RangeError(`Cannot read ids ${start} to ${end}: got a file of ${this.length}, must be within it`);
    }
    const ids = newTokenArray(this.dtype, end - start);
    await this.#file.seek(this.#offset + start * ids.BYTES_PER_ELEMENT, Deno.SeekMode.Start);
    const bytes = new Uint8Array(ids.buffer);
    if (await readFully(this.#file, bytes) < bytes.length) {
      throw new UserError(`Cannot read ${this.name}: got fewer bytes than when it was opened, must not change in use`);
    }
    return ids;
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** All token ids of a .npy file. Throws as {@linkcode NpyReader.open}. */
export async function readNpy(path: string): Promise<TokenArray> {
  using reader = await NpyReader.open(path);
  return await reader.read();
}

/**
 * Writes a .npy file piece by piece. The data goes to a temporary name beside `path`; `close()` fills in the length, waits
 * until all is on disk, and renames; `abort()` leaves nothing behind.
 */
export class NpyWriter {
  readonly #pending: PendingFile;
  readonly #options: PublishOptions;
  readonly #dtype: TokenDtype;
  #length = 0;

  private constructor(pending: PendingFile, dtype: TokenDtype, options: PublishOptions) {
    this.#pending = pending;
    this.#dtype = dtype;
    this.#options = options;
  }

  /**
   * Opens the temporary file.
   * @param options.replace Whether `close()` replaces a file at `path`. Default: true.
   */
  static async create(path: string, dtype: TokenDtype, options: PublishOptions = {}): Promise<NpyWriter> {
    const writer = new NpyWriter(await PendingFile.create(path), dtype, options);
    await writer.#pending.write(npyHeader(dtype, 0));
    return writer;
  }

  /** Number of token ids written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends ids, narrowing them to the file's dtype: they must fit it. The array may be reused once this resolves. */
  async write(ids: TokenArray): Promise<void> {
    const stored = ids.BYTES_PER_ELEMENT === dtypeBytes(this.#dtype)
      ? ids
      : this.#dtype === "uint16"
      ? Uint16Array.from(ids)
      : Uint32Array.from(ids);
    await this.#pending.write(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    this.#length += ids.length;
  }

  /**
   * Writes the length into the header and moves the file to its name; a file of that name is on disk.
   * @throws {PathExistsError} If there is a file of this name, and it is not to be replaced.
   */
  async close(): Promise<void> {
    await this.#pending.file.seek(0, Deno.SeekMode.Start);
    await this.#pending.write(npyHeader(this.#dtype, this.#length));
    await this.#pending.publish(this.#options);
  }

  /** Drops everything written, also after a `close()` that failed. */
  async abort(): Promise<void> {
    await this.#pending[Symbol.asyncDispose]();
  }
}

/** Writes token ids to `path` in one go, complete or not at all. */
export async function writeNpy(path: string, ids: TokenArray): Promise<void> {
  const writer = await NpyWriter.create(path, ids.BYTES_PER_ELEMENT === 2 ? "uint16" : "uint32");
  try {
    await writer.write(ids);
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Fills `bytes` from the file's position on; returns how many there were before its end. */
async function readFully(file: Deno.FsFile, bytes: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}
