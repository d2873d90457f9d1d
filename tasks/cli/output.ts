// Checks on where a task writes, made before any work is done.
import { withTemporaryDirectory } from "../../lib/io/atomic.ts";
import { exists } from "../../lib/io/exists.ts";
import type { OwnEntries } from "../../lib/io/own_entries.ts";
import { nameOf, parentOf, plainPath } from "../../lib/io/parent_of.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";
import { recoverDirectory } from "../../lib/io/replace_directory.ts";
import { requireReplaceable, requireSeparate } from "../../lib/io/replaceable.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { tidyBeside } from "../../lib/io/tidy.ts";
import { inCommandLineLater, UsageError, UserError } from "./errors.ts";

/** What decides whether something may be written. */
export interface OutputOptions {
  /** Whether --force was given. */
  readonly force: boolean;
  /** Paths that the task reads; `-` is passed over. */
  readonly inputs: readonly string[];
}

/** @throws {UsageError} If a path cannot be written to by its name alone: `-` is not stdout for every task. */
export function requireOutputName(path: string): void {
  if (path !== "-" && path !== "") return;
  throw new UsageError(
    `Cannot write "${path}": got ${
      path === "" ? "nothing" : "stdout"
    }, must be a path. To write a file of that name: ./${path}`,
  );
}

/**
 * Checks that a file can be written to `path`, and removes what killed processes left half-written of it.
 * @throws {UserError} If it is no plain file or is an input, or is there and --force was not given.
 */
export async function requireOutputFile(path: string, { force, inputs }: OutputOptions): Promise<void> {
  requireOutputName(path);
  await requirePlainFile(path);
  await tidyBeside(path);
  await requireSeparatePaths([path], inputs.filter((input) => input !== "-"));
  if (!force && await exists(path)) throw alreadyThere(path);
  await requireWritable(path);
}

/**
 * Checks that a file that is written to `path` would replace a plain file, or nothing.
 * @throws {UserError} If there is a directory, a pipe, a socket or a device, or a link to one or to nothing.
 */
export async function requirePlainFile(path: string): Promise<void> {
  const info = await statIfPresent(path);
  if (path.endsWith("/") || info?.isDirectory) {
    throw new UserError(`Cannot write ${path}: got a directory, must be a file. Name a file in it`);
  }
  if (!await exists(path)) return;
  // /dev/stdout is one: the link itself would give way, for every process.
  const isIntoProc = (await Deno.lstat(path)).isSymlink && (await Deno.readLink(path)).startsWith("/proc/");
  if (info?.isFile && !isIntoProc) return;
  const got = info?.isFile ? "a link into /proc" : kindOf(info);
  throw new UserError(`Cannot write ${path}: got ${got}, must be a plain file. Choose another name`);
}

function kindOf(info: Deno.FileInfo | undefined): string {
  if (info === undefined) return "a link that leads nowhere";
  if (info.isFifo) return "a pipe";
  if (info.isSocket) return "a socket";
  return info.isCharDevice || info.isBlockDevice ? "a device" : "something else";
}

/**
 * Checks that a directory can be made at a path, and puts in order what killed processes left of it.
 *
 * @param own What may be in a directory that is there already, to be replaced with --force.
 * @throws {UserError} If an input lies inside it; if it has anything in it, without --force; with --force, if it has
 *   anything in it that is not `own`.
 */
export async function requireOutputDirectory(
  directory: string,
  { force, inputs, own }: OutputOptions & { readonly own: OwnEntries },
): Promise<void> {
  requireOutputName(directory);
  const path = plainPath(directory);
  await recoverDirectory(path, own);
  await requireSeparatePaths([path], inputs.filter((input) => input !== "-"));
  try {
    await requireReplaceable(path, force ? own : undefined);
  } catch (error) {
    throw error instanceof PathExistsError ? alreadyThere(path) : error;
  }
  await requireWritable(path);
}

/** Fails now, rather than after the work, if nothing can be created next to `path`, or the name is too long. */
export async function requireWritable(path: string): Promise<void> {
  // The path `.` does not hold the directory's name: what is made beside it would be inside it.
  const place = await exists(path) ? await Deno.realPath(path).catch(() => path) : plainPath(path);
  let directory = parentOf(place);
  // What is missing is made later: in what is there.
  while (!await exists(directory)) directory = parentOf(directory);
  await withTemporaryDirectory(`${directory}/${nameOf(place)}`, () => Promise.resolve());
}

function alreadyThere(path: string): UserError {
  return new UserError(
    `Cannot write ${path}: it already exists. Pass --force to replace it`,
  );
}

/**
 * Checks that no input is an output, by whatever name, or lies inside one.
 * @throws {UsageError} If one does.
 */
export async function requireSeparatePaths(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  await inCommandLineLater(requireSeparate(outputs, inputs));
}
