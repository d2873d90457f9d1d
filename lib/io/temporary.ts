// Names beside a target under which something is made, or was moved out of the way; and what killed processes left there.
import { lockPath } from "./lock.ts";
import { nameOf, parentOf, withoutSlashes } from "./parent_of.ts";
import { removeTreeIfPresent } from "./remove_if_present.ts";

/**
 * What a name beside a target says of what it leads to. `tmp`: it is being made, and not whole. `old`: it was whole, and
 * was moved aside for its successor; it is put back if that never came. `replaced`: its successor is there.
 */
export type Beside = "tmp" | "old" | "replaced";

const BESIDE = /^(.+)\.[0-9a-f]{8}\.(tmp|old|replaced)$/s;

/** A name beside `path` that no other writer uses. */
export function temporaryNameFor(path: string, beside: Beside = "tmp"): string {
  return `${withoutSlashes(path)}.${crypto.randomUUID().slice(0, 8)}.${beside}`;
}

/** The target that a name was made for by `temporaryNameFor`, and what it says; nothing for other names. */
export function parseTemporaryName(name: string): { readonly target: string; readonly beside: Beside } | undefined {
  const match = BESIDE.exec(name);
  return match === null ? undefined : { target: match[1], beside: match[2] as Beside };
}

/** The paths beside `target` that were made for it. */
export async function listBeside(target: string, beside: Beside): Promise<string[]> {
  const [directory, base] = [parentOf(target), nameOf(target)];
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const parsed = parseTemporaryName(name);
      if (parsed?.target === base && parsed.beside === beside) paths.push(`${directory}/${name}`);
    }
  } catch (error) {
    // There is no such directory yet, or it may not be listed: whoever writes there will say so.
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors;
    if (![NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) throw error;
  }
  return paths;
}

/** Removes what killed processes left beside `target` half-made. What a living one is at work on stays: it holds a lock. */
export async function tidyBeside(target: string): Promise<void> {
  for (const path of await listBeside(withoutSlashes(target), "tmp")) {
    const lock = await lockPath(path);
    if (lock === "held" || lock === "unavailable") continue;
    using _lock = lock;
    await removeTreeIfPresent(path).catch((error: unknown) => {
      // Another's, in a directory of several people: tidying is no reason to fail.
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    });
  }
}

/** Removes what killed processes left half-made in a directory, for any target. */
export async function tidyDirectory(directory: string): Promise<void> {
  const targets = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const parsed = parseTemporaryName(name);
      if (parsed?.beside === "tmp") targets.add(parsed.target);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  for (const target of targets) await tidyBeside(`${directory}/${target}`);
}
