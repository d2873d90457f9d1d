import { UserError } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";
import { exists } from "./exists.ts";

/** A path exists that should be new. The message ends in "replace it", to which a task adds the flag. */
export class PathExistsError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "PathExistsError";

  /**
   * With a message that names the path and what to do.
   * @param got What is there. Default: a path that exists.
   * @param mustBe What must be there. Default: a new one.
   */
  constructor(path: string, got = "a path that already exists", mustBe = "a new one") {
    super(`Cannot write ${path}: got ${got}, must be ${mustBe}. Choose another place, or replace it`);
  }
}

/**
 * Gives a file the name `path`, but never replaces another: if two writers find the name free, only one gets it.
 *
 * @throws {PathExistsError} If there is something at `path`; both stay as they are.
 */
export async function renameToNew(temporary: string, path: string): Promise<void> {
  try {
    // Unlike rename(), link() fails if the name is taken.
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
