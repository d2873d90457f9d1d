// Token ids on disk: read whole or by range, written as a stream.
import { setImmediate } from "node:timers/promises";
import { call, say, UserError } from "../errors.ts";
import { PendingFile, type PublishOptions } from "../io/pending_file.ts";
import { PositionedFile } from "../io/positioned_file.ts";
import { dtypeBytes, newTokenArray, npyHeader, type TokenArray, type TokenDtype } from "./npy_format.ts";
import { NPY_PREFIX_BYTES, type NpyHeader, npyHeaderSize, parseNpyHeader } from "./npy_header.ts";
import { readProvenance, type TokenProvenance } from "./provenance.ts";
import { isStoredAsIds, numberAt, toIds } from "./stored_ids.ts";
import type { TokenSource } from "./token_source.ts";

/** A longer range is read in pieces, between which other work can run. */
const PIECE_IDS = 1 << 18;

/** A .npy file of token ids, open for reading by range. Close it, or declare it with `using`. */
export class NpyReader implements TokenSource, Disposable {
  /** The file's path. */
  readonly name: string;
  /** The type in which ids are returned; the file may store another. */
  readonly dtype: TokenDtype;
  /** Number of token ids. */
  readonly length: number;
  /** The array's shape: the number of ids, or rows and columns, which are read as one long row. */
  readonly shape: readonly number[];
  readonly provenance?: TokenProvenance;
  readonly #header: NpyHeader;
  readonly #file: PositionedFile;

  private constructor(file: PositionedFile, header: NpyHeader, provenance?: TokenProvenance) {
    this.name = file.path;
    this.provenance = provenance;
    this.#file = file;
    this.#header = header;
    this.shape = header.shape;
    this.dtype = header.dtype;
    this.length = header.length;
  }

  /**
   * Opens a file and checks its header; no ids are read yet.
   *
   * @throws {UserError} If the file is not a .npy file of whole numbers in one or two dimensions, its length is not
   *   what its
   *   header says, or the provenance beside it belongs to another file.
   * @throws {Deno.errors.NotFound} If there is no such file.
   */
  static async open(path: string): Promise<NpyReader> {
    const file = await PositionedFile.open(path);
    try {
      const header = parseNpyHeader(readHeader(file), path);
      const expected = header.offset + header.length * header.stored.bytes;
      const { size } = file;
      if (size !== expected) {
        const problem = size < expected ? "truncated" : "longer than its header says";
        throw new UserError(
          say`Cannot read ${path}: got ${size} bytes, must be ${expected} (the file is ${problem}). Write it again with: ${
            call("encodeParts")
          }`,
        );
      }
      return new NpyReader(file, header, await readProvenance(path, size));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The ids at positions `start` (inclusive) to `end` (exclusive), in a new array.
   *
   * @throws {RangeError} If the range is not within the file.
   * @throws {UserError} If a number is not a token id (negative, or at least 2³²), or the file became shorter.
   */
  async read(start = 0, end = this.length): Promise<TokenArray> {
    if (!(start >= 0 && start <= end && end <= this.length)) {
      throw new RangeError(`Cannot read ids ${start} to ${end}: got a file of ${this.length}, must be within it`);
    }
    const ids = newTokenArray(this.dtype, end - start);
    for (let at = 0; at < ids.length; at += PIECE_IDS) {
      if (at > 0) await setImmediate();
      this.#readInto(ids.subarray(at, at + PIECE_IDS), start + at);
    }
    return ids;
  }

  #readInto(ids: TokenArray, start: number): void {
    const { stored, offset } = this.#header;
    const place = offset + start * stored.bytes;
    if (isStoredAsIds(stored)) {
      this.#file.readAt(place, new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
      return;
    }
    const bytes = new Uint8Array(ids.length * stored.bytes);
    this.#file.readAt(place, bytes);
    const wrong = toIds(bytes, stored, ids);
    if (wrong < 0) return;
    throw new UserError(
      `Cannot read ${this.name}: got id ${numberAt(bytes, stored, wrong)} at position ${
        start + wrong
      }, must be from 0 to 4294967295. Write the ids again`,
    );
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** All token ids of a .npy file. Throws as {@linkcode NpyReader.open} does. */
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
   * @param options.replace Whether `close()` may replace a file at `path`. Default: true.
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

  /**
   * Appends ids, narrowing them to the file's dtype. The array may be reused once this resolves.
   * @throws {RangeError} If one of them does not fit.
   */
  async write(ids: TokenArray): Promise<void> {
    const stored = ids.BYTES_PER_ELEMENT === dtypeBytes(this.#dtype)
      ? ids
      : this.#dtype === "uint16"
      ? narrowed(ids, this.#length)
      : Uint32Array.from(ids);
    await this.#pending.write(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    this.#length += ids.length;
  }

  /**
   * Writes the length into the header, waits until the file is on disk, and gives it its name.
   * @throws {PathExistsError} If a file of this name exists and must not be replaced.
   */
  async close(): Promise<void> {
    await this.#pending.file.seek(0, Deno.SeekMode.Start);
    await this.#pending.write(npyHeader(this.#dtype, this.#length));
    await this.#pending.publish(this.#options);
  }

  /** Removes everything that was written, also after a `close()` that failed. */
  async abort(): Promise<void> {
    await this.#pending[Symbol.asyncDispose]();
  }
}

/** Writes token ids to `path` in one go, completely or not at all. */
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

/** A file's header, or as much of it as there is. */
function readHeader(file: PositionedFile): Uint8Array {
  const prefix = new Uint8Array(NPY_PREFIX_BYTES);
  const header = new Uint8Array(npyHeaderSize(prefix.subarray(0, file.readUpTo(0, prefix)), file.path));
  return header.subarray(0, file.readUpTo(0, header));
}

function narrowed(ids: TokenArray, position: number): Uint16Array {
  let bits = 0;
  for (const id of ids) bits |= id;
  if (bits >>> 16 === 0) return Uint16Array.from(ids);
  const wrong = ids.findIndex((id) => id > 0xffff);
  throw new RangeError(
    `Cannot write ids as uint16: got ${ids[wrong]} at position ${position + wrong}, must be at most 65535`,
  );
}
