// Locks that end with the process that holds them, however it ends.
import { UserError } from "../errors.ts";
import { statIfPresent } from "./stat_if_present.ts";

/**
 * Locks a file or a directory against others that ask for its lock. Reading and writing are not affected.
 *
 * @param options.wait Whether to wait for another holder. Default: false.
 * @returns The lock, which ends when it is closed; `"held"` if another holds it; `"unavailable"` if there is nothing at
 *   `path`, or the file system has no locks, so that nobody can tell.
 */
export async function lockPath(
  path: string,
  options: { readonly wait?: boolean } = {},
): Promise<Deno.FsFile | "held" | "unavailable"> {
  // On that system, a lock would keep this process's own threads from writing.
  if (Deno.build.os === "windows") return "unavailable";
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path);
    if (options.wait) await file.lock(true);
    else if (!await file.tryLock(true)) {
      file.close();
      return "held";
    }
    return file;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    file?.close();
    return "unavailable";
  }
}

/**
 * Locks a directory while something is made in it.
 *
 * @param doing What cannot be done if another process holds it: `train in`.
 * @returns Close it, or declare it with `using`.
 * @throws {UserError} If another process, or another call in this one, holds it.
 */
export async function lockDirectory(path: string, doing: string): Promise<Disposable> {
  for (;;) {
    const lock = await lockPath(path);
    if (lock === "held") {
      throw new UserError(
        `Cannot ${doing} ${path}: another process is using it. Wait until it has finished, or choose another ` +
          `place`,
      );
    }
    if (lock === "unavailable") return { [Symbol.dispose]() {} };
    // Another may have replaced it between opening and locking: then this locks something that is gone.
    if (await leadsTo(path, lock)) return lock;
    lock.close();
  }
}

/** Whether a path leads to an open file, perhaps through a link. */
async function leadsTo(path: string, file: Deno.FsFile): Promise<boolean> {
  const [here, there] = [await file.stat(), await statIfPresent(path)];
  return here.ino === there?.ino && here.dev === there?.dev;
}

/** Whether an open file is still at `path`: nobody has removed or replaced it. */
export async function isStillAt(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const [here, there] = [await file.stat(), await Deno.lstat(path)];
    return here.ino === there.ino && here.dev === there.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
