// Removes what killed processes left unfinished under temporary names.
import { lockPath } from "./lock.ts";
import { entriesOf, type OwnEntries, removeIfEmpty, removeOwnEntries } from "./own_entries.ts";
import { plainPath } from "./parent_of.ts";
import { removeIfPresent } from "./remove_if_present.ts";
import { listBeside, parseTemporaryName } from "./temporary.ts";

/**
 * Removes what killed processes left unfinished beside `target`. What a living process is working on stays: it is
 * locked.
 *
 * @param own The contents of a directory at `target`: nothing else in an unfinished directory is removed. Default:
 *   nothing.
 */
export async function tidyBeside(target: string, own?: OwnEntries): Promise<void> {
  for (const { path, isFile, isDirectory } of await listBeside(plainPath(target), "tmp")) {
    if (!isFile && !isDirectory) continue;
    const lock = await lockPath(path);
    if (lock === "held" || lock === "unavailable") continue;
    using _lock = lock;
    try {
      if (isFile) {
        await removeIfPresent(path);
      } else {
        if (own !== undefined) await removeOwnEntries(path, own);
        await removeIfEmpty(path);
      }
    } catch (error) {
      // It belongs to somebody else in a shared directory, or is already gone: tidying up is no reason to fail.
      const { NotFound, PermissionDenied } = Deno.errors;
      if (!(error instanceof PermissionDenied || error instanceof NotFound)) throw error;
    }
  }
}

/** Removes what killed processes left unfinished in a directory of a kind, for any target in it. */
export async function tidyDirectory(directory: string, own: OwnEntries): Promise<void> {
  const targets = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const parsed = parseTemporaryName(name);
      if (parsed?.beside === "tmp") targets.add(parsed.target);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  for (const target of targets) await tidyBeside(`${directory}/${target}`, entriesOf(target, own));
}
