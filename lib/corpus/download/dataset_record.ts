// The record of the files in a dataset's directory, as they were when they arrived.
import { writeFileAtomically } from "../../io/atomic.ts";
import { JsonFields } from "../../io/json_fields.ts";
import { statIfPresent } from "../../io/stat_if_present.ts";

/** The record's name in a dataset's directory. */
const DATASET_RECORD = "dataset.json";

/** A size and hash. */
export interface Digest {
  /** The size. */
  readonly bytes: number;
  /** SHA-256, in hexadecimal. */
  readonly sha256: string;
}

/** A file in the directory. */
export interface DatasetFile extends Digest {
  /** The file's name in the dataset's directory. */
  readonly name: string;
  /** The address it was fetched from. */
  readonly url: string;
  /** The file on the server: the same, unless it was compressed. Absent if this project did not fetch it. */
  readonly downloaded?: Digest;
}

/**
 * Reads what {@linkcode writeDatasetRecord} wrote; nothing if there is no record.
 * @throws {UserError} If the record is damaged.
 */
export async function readDatasetRecord(dir: string): Promise<readonly DatasetFile[]> {
  const path = `${dir}/${DATASET_RECORD}`;
  if (await sizeOf(path) === undefined) return [];
  const record = JsonFields.parse(await Deno.readTextFile(path), { name: path, nextStep: "Delete it and run again" });
  return record.objects("files").map((file) => {
    const downloaded = file.objectOrNone("downloaded");
    return {
      name: file.string("name"),
      url: file.string("url"),
      ...digestIn(file),
      ...downloaded && { downloaded: digestIn(downloaded) },
    };
  });
}

/** Writes the record. */
export async function writeDatasetRecord(dir: string, files: readonly DatasetFile[]): Promise<void> {
  await writeFileAtomically(`${dir}/${DATASET_RECORD}`, `${JSON.stringify({ files }, null, 2)}\n`);
}

/** The size of the file at `path`, or `undefined` if there is nothing. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return (await statIfPresent(path))?.size;
}

function digestIn(fields: JsonFields): Digest {
  return { bytes: fields.integer("bytes", { min: 0 }), sha256: fields.string("sha256") };
}
