// Checks whether what is at a path may be replaced.
import { UserError } from "../errors.ts";
import { excerpt } from "./excerpt.ts";
import { exists } from "./exists.ts";
import { foreignEntries, isEmpty, type OwnEntries } from "./own_entries.ts";
import { nameOf, parentOf, plainPath } from "./parent_of.ts";
import { realPathIfPresent } from "./real_path.ts";
import { PathExistsError } from "./rename_to_new.ts";
import { statIfPresent } from "./stat_if_present.ts";

/** The most names of what is in the way that a message quotes. */
const MAX_NAMES = 3;

/**
 * Checks that a directory may be made at `path`: there is nothing, an empty directory, or one that may be replaced.
 *
 * @param own What an existing directory may hold if it is to be replaced. Default: nothing.
 * @throws {UserError} If something else is there, naming it.
 */
export async function requireReplaceable(path: string, own?: OwnEntries): Promise<void> {
  const info = await statIfPresent(path);
  if (info === undefined && !await exists(path)) return;
  const isFree = info?.isDirectory && await isEmpty(path);
  if (!isFree && own === undefined) throw new PathExistsError(path);
  if (info?.isDirectory && info.dev !== (await Deno.stat(parentOf(await Deno.realPath(path)))).dev) {
    throw new UserError(
      `Cannot replace ${path}: got a mount point, must be a directory that can be renamed. Name a directory in it`,
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
        `you want to keep, or choose another place`,
    );
  }
  if (own.isOwn && !await own.isOwn(path)) {
    throw new UserError(
      `Cannot replace ${path}: got other files of the same names, must hold ${own.what}. Move them, or choose another place`,
    );
  }
}

/**
 * Checks that writing cannot destroy what is read meanwhile, nor put a file where it would be read.
 *
 * @param outputs Paths that are written: files, or whole directories.
 * @param inputs Paths that are read.
 * @throws {UserError} If an input is an output, by whatever name, or is inside one.
 */
export async function requireSeparate(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  const files = new Map<string, string>();
  const directories: { readonly output: string; readonly place: string }[] = [];
  const absent = new Set<string>();
  let isAnyThere = false;
  for (const output of outputs) {
    const [info, place] = [await statIfPresent(output), await placeOf(output)];
    if (place === undefined) continue;
    isAnyThere ||= info !== undefined;
    if (info?.isDirectory) {
      directories.push({ output, place });
      continue;
    }
    files.set(place, output);
    if (info === undefined) absent.add(nameOf(place));
    else files.set(numberOf(info) ?? place, output);
  }
  for (const input of inputs) {
    // There is nothing inside what does not exist, so with many inputs, not every one has to be looked at.
    if (!isAnyThere && !absent.has(nameOf(plainPath(input)))) continue;
    const [info, place] = [await statIfPresent(input), await placeOf(input)];
    if (place === undefined) continue;
    const same = files.get(place) ?? (info === undefined ? undefined : files.get(numberOf(info) ?? place));
    const around = directories.find((directory) => isWithin(place, directory.place))?.output;
    const output = same ?? around;
    if (output === undefined) continue;
    const problem = same === undefined ? `the input ${input} is inside it` : `it is the input ${input}`;
    throw new UserError(`Cannot write ${output}: ${problem}. Choose another place`);
  }
}

/** Where a path leads. If it does not exist or is a pipe, by its directory; `undefined` if that does not exist. */
async function placeOf(path: string): Promise<string | undefined> {
  const bare = plainPath(path);
  const place = await realPathIfPresent(bare);
  if (place !== undefined) return place;
  const directory = await realPathIfPresent(parentOf(bare));
  return directory === undefined ? undefined : `${directory.replace(/\/$/, "")}/${nameOf(bare)}`;
}

/** What a file has in common with its hard links; `undefined` if the system does not tell. */
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
