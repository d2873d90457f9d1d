import { UserError } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";
import { exists } from "./exists.ts";

/** Something is at a path where something new was to be. */
export class PathExistsError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "PathExistsError";

  /** With a message that names the path, and what to do. */
  constructor(path: string) {
    super(`Cannot write ${path}: got a path that exists, must be a new one. Choose another or replace it`);
  }
}

/**
 * Gives a file the name `path`, never in the place of another: of two writers that found the name free, one gets it.
 *
 * @throws {PathExistsError} If something is at `path`; both stay as they are.
 */
export async function renameToNew(temporary: string, path: string): Promise<void> {
  try {
    // Unlike rename(), link() fails where the name is taken.
    await Deno.link(temporary, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw new PathExistsError(path);
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errorCodeOf(error) ?? "")) throw error;
    // A file system without hard links, such as FAT: look, then leap.
    if (await exists(path)) throw new PathExistsError(path);
    return await Deno.rename(temporary, path);
  }
  await Deno.remove(temporary);
}
