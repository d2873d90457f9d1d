/**
 * Replaces directories as a whole.
 *
 * The new directory is complete and on disk under a name of its own before the old one is touched. Then:
 *
 *   1. the old one is renamed to `PATH.bytelm-….old`
 *   2. the new one is renamed to `PATH`
 *   3. `PATH.bytelm-….old` is renamed to `PATH.bytelm-….replaced`, and what this project wrote into it is removed
 *
 * Before 1 and from 2 on, `PATH` is a complete directory. In between, there is nothing; whoever looks for it next first
 * puts back the old one (`restoreReplaced`), since a name that ends in `.old` stands for a complete directory. Its lock
 * tells a dead writer from one that is just about to do step 2. A rename never destroys anything: for a directory, it
 * fails if another one that is not empty has the name. Anything in the old one that is not ours is moved into the new
 * one, not deleted.
 */
import { syncDirectory } from "./durable.ts";
import { say, UserError } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";
import { exists } from "./exists.ts";
import { lockDirectory, lockPath } from "./lock.ts";
import { entriesOf, isEmpty, moveEntries, type OwnEntries, removeIfEmpty, removeOwnEntries } from "./own_entries.ts";
import { nameOf, parentOf, plainPath } from "./parent_of.ts";
import { PathExistsError } from "./rename_to_new.ts";
import { statIfPresent } from "./stat_if_present.ts";
import { listBeside, parseTemporaryName, temporaryNameFor } from "./temporary.ts";
import { tidyBeside } from "./tidy.ts";
import { namesIn } from "./names_in.ts";

/** How many links to links are followed, as on Linux. */
const MAX_LINKS = 40;

/** Moves a complete directory to `target`, where there is nothing or an empty directory. */
export async function placeDirectory(temporary: string, target: string): Promise<void> {
  // On other systems, a rename replaces an empty directory by itself.
  if (Deno.build.os === "windows" && await exists(target)) await Deno.remove(target);
  try {
    await Deno.rename(temporary, target);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errorCodeOf(error) ?? "")) throw new PathExistsError(target);
    throw error;
  }
  await syncDirectory(parentOf(target));
}

/** Moves a complete directory to `target`, replacing the one there. */
export async function replaceDirectory(temporary: string, target: string, own: OwnEntries): Promise<void> {
  using _lock = await lockDirectory(target, "replace");
  const old = temporaryNameFor(target, "old");
  await Deno.rename(target, old);
  await syncDirectory(parentOf(target));
  try {
    await placeDirectory(temporary, target);
  } catch (error) {
    // Fails if another writer was faster; then its directory has replaced the old one.
    await Deno.rename(old, target).catch(() => {});
    throw error;
  }
  await discardReplaced(old, target, own);
}

/**
 * Puts back a directory that was moved aside for a successor that never came, if there is nothing at `path`, or an
 * empty directory.
 * @param own What it holds; a directory of another kind stays where it is.
 * @throws {UserError} If there is one, but this process may not write there.
 */
export async function restoreReplaced(path: string, own: OwnEntries): Promise<void> {
  const target = await followLinks(plainPath(path));
  if (!await isFree(target)) return;
  for (const { path: old, isDirectory } of await listBeside(target, "old")) {
    if (!isDirectory) continue;
    // Its writer may be alive and about to put the new one there.
    const lock = await lockPath(old, { wait: true });
    using _lock = typeof lock === "string" ? undefined : lock;
    if (!await isFree(target) || !await exists(old) || !await isOf(own, old)) continue;
    await requireMayRename(old, target, own);
    await Deno.rename(old, target);
    await syncDirectory(parentOf(target));
  }
}

/** @throws {UserError} If this process was started without permission to write there. */
async function requireMayRename(old: string, target: string, own: OwnEntries): Promise<void> {
  // Using a permission that was not granted would prompt the person at the terminal.
  const permissions = [old, target].map((path) => Deno.permissions.query({ name: "write", path }));
  if ((await Promise.all(permissions)).every(({ state }) => state === "granted")) return;
  const next = own.restoredBy === undefined ? "" : say`, or run what may write there: ${own.restoredBy(target)}`;
  throw new UserError(
    say`Cannot read ${target}: got ${own.what} that an interrupted replacement left at ${old}, must be put back first. Rename it back${next}`,
  );
}

/** The same for the subdirectories of a directory of a kind. */
export async function restoreReplacedIn(directory: string, own: OwnEntries): Promise<void> {
  for (const name of await namesIn(directory)) {
    const parsed = parseTemporaryName(name);
    const entries = parsed?.beside === "old" ? entriesOf(parsed.target, own) : undefined;
    if (entries !== undefined) await restoreReplaced(`${directory}/${parsed!.target}`, entries);
  }
}

/** Tidies up what killed processes left beside `path`: removes what is unfinished, and what was replaced. */
export async function recoverDirectory(path: string, own: OwnEntries): Promise<void> {
  const target = plainPath(path);
  await restoreReplaced(target, own);
  await tidyBeside(target, own);
  for (const beside of ["old", "replaced"] as const) {
    for (const { path: old, isDirectory } of await listBeside(target, beside)) {
      if (!isDirectory) continue;
      const lock = await lockPath(old);
      if (lock === "held" || lock === "unavailable") continue;
      using _lock = lock;
      // What is in its place may be another's: then it has no successor. If it has one, some of its files may be gone.
      if (beside === "old" && !(await isOf(own, target) && await isOf(own, old))) continue;
      await discardReplaced(old, target, own);
    }
  }
}

/** Removes a directory whose successor is in place; what is not ours is moved into that one. */
async function discardReplaced(old: string, target: string, own: OwnEntries): Promise<void> {
  const replaced = `${parentOf(old)}/${nameOf(old).replace(/old$/, "replaced")}`;
  if (replaced !== old) await Deno.rename(old, replaced);
  await removeOwnEntries(replaced, own);
  if (await exists(target)) await moveEntries(replaced, target);
  await removeIfEmpty(replaced);
  await syncDirectory(parentOf(target));
}

/** Whether a directory is of a kind, as far as that can be told. */
async function isOf(own: OwnEntries, directory: string): Promise<boolean> {
  return own.isOwn === undefined || await own.isOwn(directory);
}

/** Where a link leads to, whether or not anything is there. */
async function followLinks(path: string): Promise<string> {
  for (let place = path, i = 0; i < MAX_LINKS; i++) {
    if (!await Deno.lstat(place).then(({ isSymlink }) => isSymlink, () => false)) return place;
    const link = await Deno.readLink(place);
    place = plainPath(link.startsWith("/") ? link : `${parentOf(place)}/${link}`);
  }
  return path;
}

async function isFree(path: string): Promise<boolean> {
  const info = await statIfPresent(path);
  return info === undefined ? !await exists(path) : info.isDirectory && await isEmpty(path);
}
