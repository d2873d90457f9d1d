// Tells what this project writes into a directory from anything else there, which is never deleted.
import type { CallPart } from "../errors.ts";
import { exists } from "./exists.ts";
import { removeIfPresent } from "./remove_if_present.ts";
import { renameToNew } from "./rename_to_new.ts";
import { parseTemporaryName } from "./temporary.ts";

/** The files and directories that belong to one kind of directory. */
export interface OwnEntries {
  /** What such a directory holds, for example `a tokenizer`. */
  readonly what: string;
  readonly files: readonly string[];
  /** Directories in it, by name, with what belongs into each. */
  readonly directories?: readonly (readonly [RegExp, OwnEntries])[];
  /** Checks a directory by more than the names in it. Default: names are enough. */
  readonly isOwn?: (directory: string) => Promise<boolean>;
  /** The call that restores such a directory after an interrupted replacement. Default: none. */
  readonly restoredBy?: (directory: string) => CallPart;
}

/** The relative paths in a directory of what this project did not write. */
export async function foreignEntries(directory: string, own: OwnEntries): Promise<string[]> {
  const foreign: string[] = [];
  for (const entry of await Array.fromAsync(Deno.readDir(directory))) {
    const kind = kindOf(entry, own);
    if (kind === undefined) foreign.push(entry.name);
    else if (kind !== "file") {
      const below = await foreignEntries(`${directory}/${entry.name}`, kind);
      foreign.push(...below.map((name) => `${entry.name}/${name}`));
    }
  }
  return foreign.sort();
}

/** Removes what this project wrote into a directory: directories first, then files in the order of `own`. */
export async function removeOwnEntries(directory: string, own: OwnEntries): Promise<void> {
  const files: string[] = [];
  for (const entry of await Array.fromAsync(Deno.readDir(directory))) {
    const path = `${directory}/${entry.name}`;
    const kind = kindOf(entry, own);
    if (kind === "file") files.push(entry.name);
    else if (kind !== undefined) {
      await removeOwnEntries(path, kind);
      await removeIfEmpty(path);
    }
  }
  const place = (name: string) => own.files.indexOf(targetOf(name));
  for (const name of files.sort((a, b) => place(a) - place(b))) await removeIfPresent(`${directory}/${name}`);
}

/** Moves the contents of a directory into another, except for names that exist there. */
export async function moveEntries(from: string, into: string): Promise<void> {
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(from))) {
    if (await exists(`${into}/${name}`)) continue;
    if (isDirectory) await Deno.rename(`${from}/${name}`, `${into}/${name}`);
    else await renameToNew(`${from}/${name}`, `${into}/${name}`);
  }
}

export async function removeIfEmpty(directory: string): Promise<void> {
  if (await isEmpty(directory)) await Deno.remove(directory);
}

/** What belongs into the subdirectory of this name; `undefined` if this kind of directory has none. */
export function entriesOf(name: string, own: OwnEntries): OwnEntries | undefined {
  return own.directories?.find(([pattern]) => pattern.test(name))?.[1];
}

/** Whether a directory is empty. */
export async function isEmpty(directory: string): Promise<boolean> {
  for await (const _ of Deno.readDir(directory)) return false;
  return true;
}

function kindOf(entry: Deno.DirEntry, own: OwnEntries): "file" | OwnEntries | undefined {
  const name = targetOf(entry.name);
  if (!entry.isDirectory) return own.files.includes(name) ? "file" : undefined;
  return entriesOf(name, own);
}

/** What a killed process left unfinished counts as what it would have become. */
function targetOf(name: string): string {
  return parseTemporaryName(name)?.target ?? name;
}
