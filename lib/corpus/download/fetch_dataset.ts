// A dataset's files: downloaded, unpacked, held against their hashes, and recorded.
import { PathExistsError } from "../../io/rename_to_new.ts";
import { sha256OfFile } from "../../io/sha256.ts";
import type { CatalogEntry, CatalogFile } from "./catalog.ts";
import type { DownloadOptions } from "./download.ts";
import { RemoteChangedError } from "./download_error.ts";
import { type DatasetFile, readDatasetRecord, sizeOf, writeDatasetRecord } from "./dataset_record.ts";
import { fetchFile, removePart } from "./fetch_file.ts";
import { parseAddress } from "./http_request.ts";

export type { DatasetFile, Digest } from "./dataset_record.ts";

/** How often a download starts anew because the file changed on the server. */
const MAX_RESTARTS = 2;

/** How a dataset is fetched. */
export interface FetchDatasetOptions extends Omit<DownloadOptions, "onProgress"> {
  /** Instead of the dataset's own address. */
  readonly baseUrl?: string;
  /** Whether files of the same names, that are not the dataset's, are replaced. Default: false. */
  readonly replace?: boolean;
  /** Called with the bytes of a file that are here, and how many there will be, if that is known. */
  readonly onProgress?: (file: CatalogFile, received: number, total: number | null) => void;
}

/**
 * Brings the files of a dataset into `dir`, with a record of their sizes and hashes in `dataset.json`. Files that are
 * there are not fetched again; a download that was cut off, or stopped by `options.signal`, goes on where it was.
 *
 * @throws {DownloadError} If the address is none, the server refuses, the connection brings nothing more, or what it brought
 * has another size or hash than the file must have.
 * @throws {UserError} If packed data is damaged.
 * @throws {PathExistsError} If there is another file of the same name that is not to be replaced.
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

/** The file, if it is there and is what it must be. */
async function findHere(
  file: CatalogFile,
  url: string,
  dir: string,
  known: readonly DatasetFile[],
  options: FetchDatasetOptions,
): Promise<DatasetFile | null> {
  const path = `${dir}/${file.name}`;
  const bytes = await sizeOf(path);
  if (bytes === null) return null;
  if (bytes === file.bytes) {
    // A file is read once: what was found then is in the record.
    const before = known.find(({ name, sha256 }) => name === file.name && sha256 === file.sha256);
    if (before !== undefined) return before;
    if (await sha256OfFile(path) === file.sha256) return { name: file.name, url, bytes, sha256: file.sha256 };
  }
  if (options.replace) return null;
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
