// Downloads one file of a dataset, decompresses it if needed, and keeps it only if it is the right one.
import { createHash } from "node:crypto";
import { UserError } from "../../errors.ts";
import { renameDurably } from "../../io/durable.ts";
import { gunzip } from "../../io/gunzip.ts";
import { namingFile } from "../../io/write_error.ts";
import { writeFully } from "../../io/write_fully.ts";
import type { CatalogFile } from "./catalog.ts";
import { type DatasetFile, type Digest, sizeOf } from "./dataset_record.ts";
import { download, type DownloadOptions } from "./download.ts";
import { DownloadError, DownloadInUseError, WrongFileError } from "./download_error.ts";
import { remoteStatePath } from "./download_state.ts";

/**
 * Fetches a file into `dir`. Unfinished files are named `….part` and `….unpacked`; a later call continues or rewrites
 * them, and a killed one leaves nothing else.
 *
 * @throws {DownloadError} As {@linkcode download} does; or if the file's size or hash is wrong.
 * @throws {UserError} If compressed data is damaged.
 */
export async function fetchFile(
  file: CatalogFile,
  url: string,
  dir: string,
  options: DownloadOptions,
): Promise<DatasetFile> {
  const isPacked = file.remote.endsWith(".gz");
  const part = partPath(file, dir);
  const complete = isPacked ? `${dir}/${file.name}.unpacked` : part;
  const packed = new Hasher(), unpacked = new Hasher();
  const bytes = packed.through(download(url, part, isPacked ? options : { ...options, bytes: file.bytes }));
  try {
    if (isPacked) await write(complete, notLongerThan(file, url, unpacked.through(gunzip(bytes, url))));
    else for await (const _ of unpacked.through(bytes)); // it is in the part file already
    requireRight(file, url, unpacked.digest());
  } catch (error) {
    if (error instanceof DownloadInUseError) throw error; // all that is there is the other's
    if (isPacked && await sizeOf(complete) !== undefined) await Deno.remove(complete);
    // A damaged part stays damaged, however often it is decompressed; an empty one is useless.
    if (isOfContent(error, options) || await sizeOf(part) === 0) await removePart(file, dir);
    throw error;
  }
  await renameDurably(complete, `${dir}/${file.name}`);
  await removePart(file, dir);
  return { name: file.name, url, ...unpacked.digest(), downloaded: packed.digest() };
}

/** Removes what is left of a download that cannot be continued. */
export async function removePart(file: CatalogFile, dir: string): Promise<void> {
  const part = partPath(file, dir);
  for (const path of [part, remoteStatePath(part)]) {
    if (await sizeOf(path) !== undefined) await Deno.remove(path);
  }
}

/** Whether what arrived is wrong: the file itself, or its compression. */
function isOfContent(error: unknown, { signal }: DownloadOptions): boolean {
  if (error instanceof DownloadError) return error instanceof WrongFileError;
  return error instanceof UserError && error !== signal?.reason;
}

function requireRight(file: CatalogFile, url: string, { bytes, sha256 }: Digest): void {
  if (bytes === file.bytes && sha256 === file.sha256) return;
  const [got, mustBe] = bytes === file.bytes
    ? [`a file with SHA-256 ${sha256}`, file.sha256]
    : [`a file of ${bytes} bytes`, `of ${file.bytes}`];
  throw new WrongFileError(`Cannot use ${url}: got ${got}, must be ${mustBe}. Check the address, or use a mirror`);
}

/** Passes on decompressed data, but no more than the file's size: a little compressed data can hold a lot. */
async function* notLongerThan(
  file: CatalogFile,
  url: string,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > file.bytes) {
      throw new WrongFileError(
        `Cannot use ${url}: got more than ${file.bytes} bytes when unpacked, must be ${file.bytes}. Check the address, or ` +
          "take a mirror's",
      );
    }
    yield piece;
  }
}

/** Rewrites a file. `path` is not touched before the first piece is there: until then it may belong to another. */
async function write(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = source[Symbol.asyncIterator]();
  let next = await pieces.next();
  using target = await Deno.open(path, { write: true, create: true, truncate: true });
  try {
    for (; !next.done; next = await pieces.next()) {
      const { value } = next;
      await namingFile(path, () => writeFully(target, value));
    }
    await namingFile(path, () => target.sync());
  } finally {
    await pieces.return?.();
  }
}

/** Hashes what passes through. */
class Hasher {
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #digest?: Digest;

  async *through<T extends Uint8Array>(source: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const piece of source) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      yield piece;
    }
  }

  /** The hash of everything; read it when the stream has ended. */
  digest(): Digest {
    return this.#digest ??= { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

function partPath(file: CatalogFile, dir: string): string {
  return `${dir}/${file.remote}.part`;
}
