// A dataset's files: downloaded, unpacked, hashed, and recorded.
import { createHash } from "node:crypto";
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { renameDurably } from "../io/durable.ts";
import { gunzip } from "../io/gunzip.ts";
import { PendingFile } from "../io/pending_file.ts";
import type { CatalogEntry, CatalogFile } from "./catalog.ts";
import { download, type DownloadOptions, RemoteChangedError } from "./download.ts";
import { remoteStatePath } from "./download_state.ts";

/** Name of the record in a dataset's directory. */
export const DATASET_RECORD = "dataset.json";
/** How often a download starts anew because the file changed on the server. */
const MAX_RESTARTS = 2;

/** A size and hash. */
export interface Digest {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** A file that is there. */
export interface DatasetFile extends Digest {
  readonly name: string;
  readonly url: string;
  /** The file as the server has it: the same, unless it was packed. */
  readonly downloaded: Digest;
}

/** How a dataset is fetched. */
export interface FetchDatasetOptions extends Omit<DownloadOptions, "onProgress"> {
  /** Instead of the dataset's own address. */
  readonly baseUrl?: string;
  readonly onProgress?: (file: CatalogFile, received: number, total: number | null) => void;
}

/**
 * Brings the files of a dataset into `dir`, with a record of their sizes and hashes in `dataset.json`. Files that are
 * there, as recorded, are not fetched again; a download that was cut off goes on where it stopped.
 *
 * @throws {UserError} as {@linkcode download} does; or if packed data is damaged, or a file has another hash than it must.
 */
export async function fetchDataset(
  { baseUrl, files }: CatalogEntry,
  dir: string,
  options: FetchDatasetOptions = {},
): Promise<DatasetFile[]> {
  await Deno.mkdir(dir, { recursive: true });
  const base = (options.baseUrl ?? baseUrl).replace(/\/+$/, "");
  const known = await readRecord(dir);
  const done: DatasetFile[] = [];
  for (const file of files) {
    const url = `${base}/${file.remote}`;
    const before = known.find(({ name }) => name === file.name);
    const isHere = before !== undefined && await sizeOf(`${dir}/${file.name}`) === before.bytes;
    done.push(isHere ? before : await fetchAnew(file, url, dir, options));
    const others = known.filter(({ name }) => done.every((other) => other.name !== name));
    const record = { files: [...others, ...done] };
    await writeFileAtomically(`${dir}/${DATASET_RECORD}`, `${JSON.stringify(record, null, 2)}\n`);
  }
  return done;
}

async function fetchAnew(
  file: CatalogFile,
  url: string,
  dir: string,
  options: FetchDatasetOptions,
): Promise<DatasetFile> {
  for (let restarts = 0;; restarts++) {
    try {
      return await fetchFile(file, url, dir, options);
    } catch (error) {
      if (!(error instanceof RemoteChangedError) || restarts === MAX_RESTARTS) throw error;
      await removePart(partPath(file, dir));
    }
  }
}

async function fetchFile(
  file: CatalogFile,
  url: string,
  dir: string,
  options: FetchDatasetOptions,
): Promise<DatasetFile> {
  const part = partPath(file, dir);
  const path = `${dir}/${file.name}`;
  const packed = new Hasher(), unpacked = new Hasher();
  const bytes = packed.through(
    download(url, part, {
      ...options,
      onProgress: (received, total) => options.onProgress?.(file, received, total),
    }),
  );
  await using pending = file.remote.endsWith(".gz") ? await PendingFile.create(path) : undefined;
  if (pending) {
    try {
      for await (const piece of unpacked.through(gunzip(bytes, url))) await pending.write(piece);
    } catch (error) {
      // A damaged part stays damaged, however often it is unpacked.
      if (error instanceof UserError && error.message.startsWith("Cannot unpack")) await removePart(part);
      throw error;
    }
  } else {
    for await (const _ of unpacked.through(bytes)); // it is in the part file already
  }
  const digest = unpacked.digest();
  if (file.sha256 !== undefined && digest.sha256 !== file.sha256) {
    await removePart(part);
    throw new UserError(
      `Cannot use ${url}: got a file with SHA-256 ${digest.sha256}, must be ${file.sha256}. Try another --base-url`,
    );
  }
  if (pending) await pending.publish();
  else await renameDurably(part, path);
  await removePart(part);
  return { name: file.name, url, ...digest, downloaded: packed.digest() };
}

/** Hashes what flows by. */
class Hasher {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  async *through<T extends Uint8Array>(source: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const piece of source) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      yield piece;
    }
  }

  digest(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

function partPath(file: CatalogFile, dir: string): string {
  return `${dir}/${file.remote}.part`;
}

async function removePart(part: string): Promise<void> {
  for (const path of [part, remoteStatePath(part)]) {
    if (await sizeOf(path) !== null) await Deno.remove(path);
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function readRecord(dir: string): Promise<readonly DatasetFile[]> {
  const path = `${dir}/${DATASET_RECORD}`;
  if (await sizeOf(path) === null) return [];
  try {
    const { files } = JSON.parse(await Deno.readTextFile(path)) as { files: DatasetFile[] };
    return files.filter(({ name, bytes }) => typeof name === "string" && typeof bytes === "number");
  } catch (error) {
    throw new UserError(
      `Cannot read ${path}: got ${(error as Error).message}, must be what this task wrote. Delete it and run again`,
    );
  }
}
