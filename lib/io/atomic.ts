// Files and directories that appear complete or not at all: written under a temporary name beside the target, then renamed.
import { UserError } from "../errors.ts";

/** A name beside `path` that no other writer uses. */
export function temporaryNameFor(path: string): string {
  return `${path.replace(/\/+$/, "")}.${crypto.randomUUID().slice(0, 8)}.tmp`;
}

/** Removes what killed writers left in a directory under temporary names. */
export async function removeTemporaries(directory: string): Promise<void> {
  if (!await exists(directory)) return;
  const names = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  for (const name of names) if (/.\.[0-9a-f]{8}\.tmp$/.test(name)) await removeIfPresent(`${directory}/${name}`);
}

/** A directory that is younger may be of a maker that has not locked it yet. */
const SHORTEST_LIFE_MS = 60_000;

/**
 * Runs `use` with a directory of a temporary name beside `path`, which is removed afterwards unless it was moved. It is
 * locked meanwhile, and what killed processes left of their like is removed first.
 */
export async function withTemporaryDirectory<T>(path: string, use: (directory: string) => Promise<T>): Promise<T> {
  const target = path.replace(/(?<=.)\/+$/, "");
  await removeAbandoned(target);
  const temporary = temporaryNameFor(target);
  await Deno.mkdir(temporary, { recursive: true });
  try {
    using _lock = await lockIfPossible(temporary);
    return await use(temporary);
  } finally {
    await removeIfPresent(temporary);
  }
}

/** Removes temporary directories beside `target` that no living process holds: a lock ends with its process. */
async function removeAbandoned(target: string): Promise<void> {
  const base = target.slice(target.lastIndexOf("/") + 1);
  try {
    for await (const { name, isDirectory } of Deno.readDir(parentOf(target))) {
      if (!isDirectory || !name.startsWith(base) || !/^\.[0-9a-f]{8}\.tmp$/.test(name.slice(base.length))) continue;
      const path = `${parentOf(target)}/${name}`;
      const { mtime } = await Deno.stat(path);
      if (mtime === null || Date.now() - mtime.getTime() < SHORTEST_LIFE_MS) continue;
      using lock = await lockIfPossible(path);
      if (lock) await removeIfPresent(path);
    }
  } catch (error) {
    // There is no parent yet, or it may not be listed, or nothing removed: tidying is no reason to fail.
    if (!(error instanceof Error)) throw error;
  }
}

/** A directory, locked until it is closed; nothing if another process holds it, or where directories cannot be locked. */
async function lockIfPossible(path: string): Promise<Deno.FsFile | undefined> {
  let directory: Deno.FsFile | undefined;
  try {
    directory = await Deno.open(path);
    if (await directory.tryLock(true)) return directory;
  } catch (error) {
    // Windows opens no directories, and some network file systems know no locks.
    if (!(error instanceof Error)) throw error;
  }
  directory?.close();
  return undefined;
}

/** Writes `data` to `path`, replacing what is there only once everything is on disk. Makes the parent directory. */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryNameFor(path);
  await Deno.mkdir(parentOf(path), { recursive: true });
  try {
    if (typeof data === "string") await Deno.writeTextFile(temporary, data);
    else await Deno.writeFile(temporary, data);
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeIfPresent(temporary);
    throw error;
  }
}

/**
 * Makes the directory `path` out of what `fill` writes into the temporary directory it is given.
 * If `fill` fails, nothing is left behind and what was at `path` is untouched.
 *
 * @param options.replace Whether an existing `path` is replaced. Default: false.
 * @throws {UserError} if `path` exists and `replace` is false.
 */
export async function writeDirectoryAtomically(
  path: string,
  fill: (temporary: string) => Promise<void>,
  options: { readonly replace?: boolean } = {},
): Promise<void> {
  const target = path.replace(/(?<=.)\/+$/, "");
  if (!options.replace && await exists(target)) {
    throw new UserError(
      `Cannot write ${path}: got a path that exists, must be a new one. Choose another or replace it`,
    );
  }
  await withTemporaryDirectory(target, async (temporary) => {
    await fill(temporary);
    // rename() does not replace a directory that has files in it: move the old one aside first.
    const old = temporaryNameFor(target);
    const hadOld = await exists(target);
    if (hadOld) await Deno.rename(target, old);
    await Deno.rename(temporary, target);
    if (hadOld) await removeIfPresent(old);
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
