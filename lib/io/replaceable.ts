// What is at a path already, and whether it may give way.
import { UserError } from "../errors.ts";
import { excerpt } from "./excerpt.ts";
import { exists } from "./exists.ts";
import { foreignEntries, isEmpty, type OwnEntries } from "./own_entries.ts";
import { parentOf } from "./parent_of.ts";
import { PathExistsError } from "./rename_to_new.ts";
import { statOrNull } from "./stat_or_null.ts";

/** Names of what is in the way that a message quotes. */
const MAX_NAMES = 3;

/**
 * Checks that a directory may be made at `path`: nothing is there, or an empty directory, or one that may be replaced.
 *
 * @param own What a directory that is there may hold, to be replaced. Default: nothing.
 * @throws {UserError} If something else is there, which is named.
 */
export async function requireReplaceable(path: string, own?: OwnEntries): Promise<void> {
  const info = await statOrNull(path);
  if (info === null && !await exists(path)) return;
  const isFree = info?.isDirectory && await isEmpty(path);
  if (!isFree && own === undefined) throw new PathExistsError(path);
  if (info?.isDirectory && info.dev !== (await Deno.stat(parentOf(await Deno.realPath(path)))).dev) {
    throw new UserError(
      `Cannot replace ${path}: got a file system's own directory, must be one that can be renamed. Name a directory in it`,
    );
  }
  if (isFree || own === undefined) return;
  if (!info?.isDirectory) {
    throw new UserError(
      `Cannot replace ${path}: got a file, must be the directory of ${own.what}. Choose another place`,
    );
  }
  const foreign = await foreignEntries(path, own);
  if (foreign.length > 0) {
    throw new UserError(
      `Cannot replace ${path}: got ${listed(foreign)} in it, must hold ${own.what} and nothing else. Move what ` +
        `is to stay, or choose another place`,
    );
  }
  if (own.isOwn && !await own.isOwn(path)) {
    throw new UserError(
      `Cannot replace ${path}: got other files of the same names, must hold ${own.what}. Move them, or choose another place`,
    );
  }
}

/**
 * Checks that writing cannot destroy what is read meanwhile.
 *
 * @param outputs Paths to be written: files, or directories as wholes.
 * @param inputs Paths that are read.
 * @throws {UserError} If an input is an output, by whatever name, or lies inside it.
 */
export async function requireSeparate(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  const files = new Map<string, string>();
  const directories: { readonly output: string; readonly place: string }[] = [];
  for (const output of outputs) {
    const info = await statOrNull(output);
    // Nothing is inside of what is not there.
    if (info === null) continue;
    const place = await Deno.realPath(output);
    if (info.isDirectory) directories.push({ output, place });
    else files.set(place, output).set(numberOf(info) ?? place, output);
  }
  if (files.size === 0 && directories.length === 0) return;
  for (const input of inputs) {
    const info = await statOrNull(input);
    if (info === null) continue;
    const place = await Deno.realPath(input);
    const same = files.get(place) ?? files.get(numberOf(info) ?? place);
    const around = directories.find((directory) => isWithin(place, directory.place))?.output;
    const output = same ?? around;
    if (output === undefined) continue;
    const got = same === undefined ? `the input ${input} inside it` : `the input ${input} itself`;
    throw new UserError(`Cannot write ${output}: got ${got}, must be another place. Choose one that is not read from`);
  }
}

/** What a file has in common with its hard links; nothing where the system does not say. */
function numberOf({ dev, ino }: Deno.FileInfo): string | undefined {
  return ino ? `${dev}:${ino}` : undefined;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory ||
    path.startsWith(directory.replace(/[/\\]?$/, "") + (Deno.build.os === "windows" ? "\\" : "/"));
}

function listed(names: readonly string[]): string {
  const quoted = names.slice(0, MAX_NAMES).map((name) => excerpt(name)).join(", ");
  return names.length > MAX_NAMES ? `${quoted} and ${names.length - MAX_NAMES} more` : quoted;
}
