// Downloads a dataset's files, decompresses them, checks their hashes, and records them.
import { PathExistsError } from "../../io/rename_to_new.ts";
import { sha256OfFile } from "../../io/sha256.ts";
import type { CatalogEntry, CatalogFile } from "./catalog.ts";
import type { DownloadOptions } from "./download.ts";
import { RemoteChangedError } from "./download_error.ts";
import { type DatasetFile, readDatasetRecord, sizeOf, writeDatasetRecord } from "./dataset_record.ts";
import { fetchFile, removePart } from "./fetch_file.ts";
import { parseAddress } from "./http_request.ts";

export type { DatasetFile, Digest } from "./dataset_record.ts";

/** How often a download starts again because the file changed on the server. */
const MAX_RESTARTS = 2;

/** Options for `fetchDataset`. */
export interface FetchDatasetOptions extends Omit<DownloadOptions, "onProgress"> {
  /** Used instead of the dataset's own address. */
  readonly baseUrl?: string;
  /** Whether to replace files that have the same names but are not the dataset's. Default: false. */
  readonly replace?: boolean;
  /** Called with the number of bytes of a file that have arrived, and the total, if it is known. */
  readonly onProgress?: (file: CatalogFile, received: number, total?: number) => void;
}

/**
 * Fetches the files of a dataset into `dir`, with a record of their sizes and hashes in `dataset.json`. Files that are
 * there are not fetched again. A download that was cut off, or stopped by `options.signal`, continues where it stopped.
 *
 * @throws {DownloadError} If the address is invalid, the server refuses, nothing more arrives, or the file's size or
 *   hash
 * is wrong.
 * @throws {UserError} If compressed data is damaged.
 * @throws {PathExistsError} If a different file has the same name and must not be replaced.
 */
export async function fetchDataset(
  { baseUrl, files }: CatalogEntry,
  dir: string,
  options: FetchDatasetOptions = {},
): Promise<DatasetFile[]> {
  const base = (options.baseUrl ?? baseUrl).replace(/\/+$/, "");
  parseAddress(base);
  await Deno.mkdir(dir, { recursive: true });
  const known = await readDatasetRecord(dir);
  const done: DatasetFile[] = [];
  for (const file of files) {
    const url = `${base}/${file.remote}`;
    done.push(await findHere(file, url, dir, known, options) ?? await fetchAnew(file, url, dir, options));
    await writeDatasetRecord(dir, [...known.filter(({ name }) => done.every((other) => other.name !== name)), ...done]);
  }
  return done;
}

/** The file, if it exists and is the right one. */
async function findHere(
  file: CatalogFile,
  url: string,
  dir: string,
  known: readonly DatasetFile[],
  options: FetchDatasetOptions,
): Promise<DatasetFile | undefined> {
  const path = `${dir}/${file.name}`;
  const bytes = await sizeOf(path);
  if (bytes === undefined) return undefined;
  if (bytes === file.bytes) {
    // A file is read only once: the record holds what was found then.
    const before = known.find(({ name, sha256 }) => name === file.name && sha256 === file.sha256);
    if (before !== undefined) return before;
    if (await sha256OfFile(path) === file.sha256) return { name: file.name, url, bytes, sha256: file.sha256 };
  }
  if (options.replace) return undefined;
  const got = `another file of this name there, of ${bytes} bytes`;
  throw new PathExistsError(path, got, `the dataset's, of ${file.bytes}`);
}

async function fetchAnew(
  file: CatalogFile,
  url: string,
  dir: string,
  options: FetchDatasetOptions,
): Promise<DatasetFile> {
  for (let restarts = 0;; restarts++) {
    try {
      return await fetchFile(file, url, dir, {
        ...options,
        onProgress: (received, total) => options.onProgress?.(file, received, total),
      });
    } catch (error) {
      if (!(error instanceof RemoteChangedError) || restarts === MAX_RESTARTS) throw error;
      await removePart(file, dir);
    }
  }
}
