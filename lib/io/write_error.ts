import { errorCodeOf } from "./error_code.ts";

/**
 * The system refused to write to an open file: the disk is full, a quota is used up, a device is gone. The system's own error
 * does not say which file it is about.
 */
export class WriteError extends Error {
  override readonly name = "WriteError";
  /** The system's name for what went wrong. */
  readonly code: string | undefined;
  readonly path: string;

  constructor(path: string, cause: Error) {
    super(`${cause.message}: write '${path}'`, { cause });
    this.path = path;
    this.code = errorCodeOf(cause);
  }
}

/**
 * Runs `write`, which writes to the open file at `path`.
 * @throws {WriteError} In place of the system's error, if it refuses.
 */
export async function namingFile<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof Error && errorCodeOf(error) !== undefined) throw new WriteError(path, error);
    throw error;
  }
}
