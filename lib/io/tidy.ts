// What killed processes left half-made under temporary names.
import { lockPath } from "./lock.ts";
import { entriesOf, type OwnEntries, removeIfEmpty, removeOwnEntries } from "./own_entries.ts";
import { plainPath } from "./parent_of.ts";
import { removeIfPresent } from "./remove_if_present.ts";
import { listBeside, parseTemporaryName } from "./temporary.ts";

/**
 * Removes what killed processes left beside `target` half-made. What a living one is at work on stays: it holds a lock.
 *
 * @param own What is made in a directory at `target`: of a half-made directory nothing else is removed. Default: nothing.
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
      // Another's, in a directory of several people, or removed by another meanwhile: tidying is no reason to fail.
      const { NotFound, PermissionDenied } = Deno.errors;
      if (!(error instanceof PermissionDenied || error instanceof NotFound)) throw error;
    }
  }
}

/** Removes what killed processes left half-made in a directory of a kind, for any target in it. */
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
