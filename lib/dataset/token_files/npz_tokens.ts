// One array of a .npz file, which is a zip archive of .npy files.
import { constants, crc32, createInflateRaw } from "node:zlib";
import { option, say, UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { PositionedFile } from "../../io/positioned_file.ts";
import { newTokenArray, type TokenArray, type TokenDtype } from "../npy_format.ts";
import { NPY_PREFIX_BYTES, type NpyHeader, npyHeaderSize, parseNpyHeader } from "../npy_header.ts";
import { readProvenance, type TokenProvenance } from "../provenance.ts";
import { numberAt, toIds } from "../stored_ids.ts";
import type { TokenStream } from "./token_stream.ts";
import { dataOffset, readZipEntries, type ZipEntry } from "./zip_entries.ts";

const PIECE_BYTES = 1 << 20;
const NPY = ".npy";

/** An array of a .npz file, stored or deflated. It is read from its start, as a stream. */
export class NpzTokens implements TokenStream {
  readonly name: string;
  readonly format: string;
  readonly length: number;
  readonly shape: readonly number[];
  readonly dtype: TokenDtype;
  readonly provenance?: TokenProvenance;
  readonly #file: PositionedFile;
  readonly #entry: ZipEntry;
  readonly #header: NpyHeader;

  private constructor(file: PositionedFile, entry: ZipEntry, header: NpyHeader, provenance?: TokenProvenance) {
    this.name = file.path;
    this.format = `the array ${excerpt(entry.name.slice(0, -NPY.length))} of an .npz`;
    this.length = header.length;
    this.shape = header.shape;
    this.dtype = header.dtype;
    this.provenance = provenance;
    this.#file = file;
    this.#entry = entry;
    this.#header = header;
  }

  /**
   * Opens a file and reads the header of one array.
   * @param array The array's name; needed if there are several.
   * @throws {UserError} If there is no such array, it does not hold token ids, or the file is damaged.
   */
  static async open(path: string, array?: string): Promise<NpzTokens> {
    const file = await PositionedFile.open(path);
    try {
      const entry = chosen(path, readZipEntries(file).filter(({ name }) => name.endsWith(NPY)), array);
      const label = `${path}, ${excerpt(entry.name)}`;
      const header = parseNpyHeader(await readHeader(unpacked(file, entry), label), label);
      if (header.offset + header.length * header.stored.bytes !== entry.bytes) {
        throw new UserError(
          `Cannot read ${label}: got ${entry.bytes} bytes, must be ${
            header.offset + header.length * header.stored.bytes
          } by its header. Write it again`,
        );
      }
      return new NpzTokens(file, entry, header, await readProvenance(path, file.size));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  async *pieces(): AsyncGenerator<TokenArray> {
    const { stored, dtype, offset } = this.#header;
    let skip = offset, position = 0, rest = new Uint8Array(0);
    for await (const piece of unpacked(this.#file, this.#entry)) {
      const start = Math.min(skip, piece.length);
      skip -= start;
      const bytes = new Uint8Array(rest.length + piece.length - start);
      bytes.set(rest);
      bytes.set(piece.subarray(start), rest.length);
      const count = Math.floor(bytes.length / stored.bytes);
      rest = bytes.slice(count * stored.bytes);
      if (count === 0) continue;
      const ids = newTokenArray(dtype, count);
      const whole = bytes.slice(0, count * stored.bytes);
      const wrong = toIds(whole, stored, ids);
      if (wrong >= 0) {
        throw new UserError(
          `Cannot read ${this.name}: got id ${numberAt(whole, stored, wrong)} at position ${
            position + wrong
          }, must be from 0 to 4294967295. Write the ids again`,
        );
      }
      position += count;
      yield ids;
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function chosen(path: string, entries: readonly ZipEntry[], array: string | undefined): ZipEntry {
  const found = array === undefined ? entries : entries.filter(({ name }) => name === `${array}${NPY}`);
  if (found.length === 1) return found[0];
  const names = entries.slice(0, 8).map(({ name }) => excerpt(name.slice(0, -NPY.length))).join(", ") || "none";
  const got = array === undefined ? `${entries.length} arrays` : `${found.length} arrays named ${excerpt(array)}`;
  throw new UserError(
    say`Cannot read ${path}: got ${got}, must be one. Name one with ${option("array")}; there are ${names}`,
  );
}

async function readHeader(pieces: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  let head = new Uint8Array(0);
  for await (const piece of pieces) {
    const longer = new Uint8Array(head.length + piece.length);
    longer.set(head);
    longer.set(piece, head.length);
    head = longer;
    if (head.length >= NPY_PREFIX_BYTES && head.length >= npyHeaderSize(head.subarray(0, NPY_PREFIX_BYTES), name)) {
      break;
    }
  }
  return head;
}

/** The bytes of a file in the archive, which are checked at their end. */
async function* unpacked(file: PositionedFile, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  const { name, bytes, crc32: expected } = entry;
  const stored = storedBytes(file, entry);
  let length = 0, sum = 0;
  for await (const piece of entry.isDeflated ? inflated(stored, file.path, name) : stored) {
    length += piece.length;
    if (length > bytes) break;
    sum = crc32(piece, sum);
    yield piece;
  }
  if (length === bytes && sum === expected) return;
  const got = length === bytes
    ? "bytes that do not fit its checksum"
    : `${length > bytes ? "more" : "fewer"} than its ${bytes} bytes`;
  throw damaged(file.path, name, got);
}

async function* storedBytes(file: PositionedFile, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  const start = dataOffset(file, entry);
  for (let at = 0; at < entry.packedBytes; at += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, entry.packedBytes - at));
    file.readAt(start + at, piece);
    yield await Promise.resolve(piece);
  }
}

async function* inflated(source: AsyncIterable<Uint8Array>, path: string, name: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: PIECE_BYTES, finishFlush: constants.Z_FINISH });
  let reading: unknown;
  const fed = (async () => {
    try {
      for await (const piece of source) {
        await new Promise<void>((resolve, reject) =>
          inflate.write(piece, (error) => error ? reject(error) : resolve())
        );
      }
      inflate.end();
    } catch (error) {
      reading ??= error;
      inflate.destroy();
    }
  })();
  try {
    for await (const piece of inflate) yield piece;
    await fed;
  } catch (error) {
    const cause = reading ?? error;
    if (cause instanceof UserError) throw cause;
    throw damaged(path, name, cause instanceof Error ? cause.message : "damaged data");
  } finally {
    inflate.destroy();
  }
}

function damaged(path: string, name: string, got: string): UserError {
  return new UserError(`Cannot unpack ${excerpt(name)} of ${path}: got ${got}, must be whole. Write the file again`);
}
