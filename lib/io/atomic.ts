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
  const temporary = temporaryNameFor(target);
  await Deno.mkdir(temporary, { recursive: true });
  try {
    await fill(temporary);
    // rename() does not replace a directory that has files in it: move the old one aside first.
    const old = temporaryNameFor(target);
    const hadOld = await exists(target);
    if (hadOld) await Deno.rename(target, old);
    await Deno.rename(temporary, target);
    if (hadOld) await Deno.remove(old, { recursive: true });
  } catch (error) {
    await removeIfPresent(temporary);
    throw error;
  }
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
