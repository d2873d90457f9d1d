import { errorCodeOf } from "./error_code.ts";

/**
 * The system refused to write to an open file: the disk is full, a quota is used up, a device is gone. The system's own
 * error does not name the file.
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
    throw named(path, error);
  }
}

/** The same without waiting. */
export function namingFileSync<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw named(path, error);
  }
}

function named(path: string, error: unknown): unknown {
  return error instanceof Error && errorCodeOf(error) !== undefined ? new WriteError(path, error) : error;
}
