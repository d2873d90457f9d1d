// Files and directories that appear complete or not at all: made under a temporary name beside the target, put on disk, renamed.
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
 * @throws {PathExistsError} If there is a file at `path`, and it is not to be replaced.
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
 * Runs `use` with a directory of a temporary name beside `path`, which is removed afterwards unless it was moved. It is
 * locked meanwhile, and what killed processes left of their like is removed first.
 *
 * @param own What `use` writes into it: nothing else is removed of what others left. Default: nothing.
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
 * Makes a directory out of what `fill` writes into the temporary directory it is given. An empty directory may be
 * there already. If `fill` fails, nothing is left behind and what was there is untouched.
 *
 * @param options.own What `fill` writes: nothing else is ever removed; whatever else turns up in a directory that is
 *   replaced is kept.
 * @param options.replace Whether a directory that is there is replaced, if it holds `own` and nothing else. Default: false.
 * @throws {PathExistsError} If something is there that is not to be replaced.
 * @throws {UserError} If it is to be replaced and holds something else than `own`, or another process is at work in it.
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
  // What a link leads to is replaced, not the link.
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
