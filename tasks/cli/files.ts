// Checks the files that were named before any work is done.
import type { OwnEntries } from "../../lib/io/own_entries.ts";
import { restoreReplaced } from "../../lib/io/replace_directory.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { UserError } from "./errors.ts";

/**
 * Checks that `path` is a file with something in it, and returns its size in bytes.
 *
 * @throws {UserError} If it is missing, not a file, or empty.
 */
export async function requireInputFile(path: string): Promise<number> {
  const info = await statIfPresent(path);
  if (info === undefined) {
    throw new UserError(`Cannot read ${path}: there is no such file. Check the path`);
  }
  if (info.isDirectory) throw new UserError(`Cannot read ${path}: got a directory, must be a file. Name a file in it`);
  if (info.isFile && info.size === 0) {
    throw new UserError(`Cannot read ${path}: got an empty file, must hold at least one byte. Check how it was made`);
  }
  return info.size;
}

/**
 * Whether there is a directory at `path`.
 * @param own What it is to hold.
 * @throws {UserError} If something else is.
 */
export async function isDirectory(path: string, own: OwnEntries): Promise<boolean> {
  await restoreReplaced(path, own);
  if (await statIfPresent(path) === undefined) return false;
  await requireDirectory(path, own);
  return true;
}

/**
 * @param own What it is to hold.
 * @throws {UserError} If `path` is not an existing directory.
 */
export async function requireDirectory(path: string, own: OwnEntries): Promise<void> {
  await restoreReplaced(path, own);
  const info = await statIfPresent(path);
  if (!info?.isDirectory) {
    const problem = info === undefined ? "there is no such directory" : "got a file, must be a directory";
    throw new UserError(`Cannot read ${path}: ${problem}. Check the path`);
  }
}
