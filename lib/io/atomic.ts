// Files and directories that appear completely or not at all: made under a temporary name beside the target, synced to
// // disk, and renamed.
import { syncTree } from "./durable.ts";
import { exists } from "./exists.ts";
import { isStillAt, lockPath } from "./lock.ts";
import { makeDirectory } from "./make_directory.ts";
import { isEmpty, type OwnEntries } from "./own_entries.ts";
import { parentOf, plainPath } from "./parent_of.ts";
import { PendingFile, type PublishOptions } from "./pending_file.ts";
import { removeTreeIfPresent } from "./remove_if_present.ts";
import { placeDirectory, recoverDirectory, replaceDirectory } from "./replace_directory.ts";
import { requireReplaceable } from "./replaceable.ts";
import { temporaryNameFor } from "./temporary.ts";
import { tidyBeside } from "./tidy.ts";

/**
 * Writes `data` to `path`, which appears once everything is on disk. Makes the parent directory.
 * @throws {PathExistsError} If there is a file at `path` that must not be replaced.
 */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  options?: PublishOptions,
): Promise<void> {
  await makeDirectory(parentOf(plainPath(path)));
  await using pending = await PendingFile.create(path);
  await pending.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
  await pending.publish(options);
}

/**
 * Runs `use` with a directory that has a temporary name beside `path`. The directory is locked meanwhile, and removed
 * afterwards unless it was moved. What killed processes left of such directories is removed first.
 *
 * @param own What `use` writes into it: of directories left behind, nothing else is removed. Default: nothing.
 */
export async function withTemporaryDirectory<T>(
  path: string,
  use: (directory: string) => Promise<T>,
  own?: OwnEntries,
): Promise<T> {
  await tidyBeside(path, own);
  const { temporary, lock } = await makeTemporaryDirectory(path);
  try {
    return await use(temporary);
  } finally {
    await removeTreeIfPresent(temporary);
    lock?.close();
  }
}

/**
 * Makes a directory from what `fill` writes into a temporary directory. There may already be an empty directory. If
 * `fill` fails, nothing is left behind, and what was there is untouched.
 *
 * @param options.own What `fill` writes: nothing else is ever removed. Anything else that turns up in a replaced
 *   directory is kept.
 * @param options.replace Whether to replace an existing directory, if it holds only `own`. Default: false.
 * @throws {PathExistsError} If something is there that must not be replaced.
 * @throws {UserError} If it should be replaced but holds something other than `own`, or another process is using it.
 */
export async function writeDirectoryAtomically(
  directory: string,
  fill: (temporary: string) => Promise<void>,
  options: { readonly own: OwnEntries; readonly replace?: boolean },
): Promise<void> {
  const path = plainPath(directory);
  const { own } = options;
  const replace = options.replace ? own : undefined;
  await recoverDirectory(path, own);
  await requireReplaceable(path, replace);
  // Replaces the target of a link, not the link.
  const target = await exists(path) ? await Deno.realPath(path) : path;
  await withTemporaryDirectory(target, async (temporary) => {
    await fill(temporary);
    await syncTree(temporary);
    await requireReplaceable(target, replace);
    const isOld = replace !== undefined && await exists(target) && !await isEmpty(target);
    if (isOld) await replaceDirectory(temporary, target, replace);
    else await placeDirectory(temporary, target);
  }, own);
}

async function makeTemporaryDirectory(path: string): Promise<{ temporary: string; lock?: Deno.FsFile }> {
  await makeDirectory(parentOf(plainPath(path)));
  for (;;) {
    const temporary = temporaryNameFor(path);
    await Deno.mkdir(temporary);
    const lock = await lockPath(temporary);
    if (lock === "held") continue; // by one that tidies
    if (lock === "unavailable") {
      if (await exists(temporary)) return { temporary };
      continue;
    }
    if (await isStillAt(lock, temporary)) return { temporary, lock };
    lock.close();
  }
}
