// Names beside a target for what is being made, or was moved out of the way.
import { nameOf, parentOf, plainPath } from "./parent_of.ts";

/**
 * What a name beside a target means. `tmp`: it is being made, and not complete. `old`: it was complete, and was moved
 * aside for its successor; it is put back if that never came. `replaced`: its successor is there.
 */
export type Beside = "tmp" | "old" | "replaced";

/** Looks like no date or number that people put into names: `run.20241127.old` is somebody's backup. */
const BESIDE = /^(.+)\.bytelm-[0-9a-f]{32}\.(tmp|old|replaced)$/s;

/** A name beside `path` that no other writer uses. */
export function temporaryNameFor(path: string, beside: Beside = "tmp"): string {
  return `${plainPath(path)}.bytelm-${crypto.randomUUID().replaceAll("-", "")}.${beside}`;
}

/** The target of a name that `temporaryNameFor` made, and its meaning; `undefined` for other names. */
export function parseTemporaryName(name: string): { readonly target: string; readonly beside: Beside } | undefined {
  const match = BESIDE.exec(name);
  return match === null ? undefined : { target: match[1], beside: match[2] as Beside };
}

/** A path in which each name that `temporaryNameFor` made is replaced by its target's. */
export function withoutTemporaryNames(path: string): string {
  return path.split("/").map((name) => parseTemporaryName(name)?.target ?? name).join("/");
}

/** What was made beside a target. */
export interface BesideEntry {
  readonly path: string;
  /** For a link, neither is true: links are never made under such a name. */
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/** What is beside `target` under names that were made for it. */
export async function listBeside(target: string, beside: Beside): Promise<BesideEntry[]> {
  const [directory, base] = [parentOf(target), nameOf(target)];
  const found: BesideEntry[] = [];
  try {
    for await (const { name, isFile, isDirectory } of Deno.readDir(directory)) {
      const parsed = parseTemporaryName(name);
      if (parsed?.target !== base || parsed.beside !== beside) continue;
      found.push({ path: `${directory}/${name}`, isFile, isDirectory });
    }
  } catch (error) {
    // There is no such directory yet, or it cannot be listed: writing there will report that.
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors;
    if (![NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) throw error;
  }
  return found;
}
