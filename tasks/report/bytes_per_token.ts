// How much text a token of a run's validation data is: what turns nats per token into bits per byte.
import { readProvenance } from "../../lib/dataset/provenance.ts";
import { UserError } from "../../lib/errors.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { isFileSystemError } from "../cli/file_system_errors.ts";

/** The mean over the whole file, from the record beside it; `undefined` if there is none, or it is of another file. */
export async function bytesPerToken({ data: { valid } }: RunConfig): Promise<number | undefined> {
  if (valid === undefined || valid.tokenizer === undefined) return undefined;
  try {
    const { isFile, size } = await Deno.stat(valid.name);
    const provenance = isFile ? await readProvenance(valid.name, size) : undefined;
    const bytes = provenance?.text?.bytes;
    // The same name may by now stand for other tokens.
    if (provenance?.tokenizer.sha256 !== valid.tokenizer.sha256) return undefined;
    return bytes && valid.tokens > 0 ? bytes / valid.tokens : undefined;
  } catch (error) {
    // The data may be gone; the report is written all the same.
    if (error instanceof UserError || isFileSystemError(error)) return undefined;
    throw error;
  }
}
