// Finds the files below a directory that may be texts, each once.
import { statIfPresent } from "../io/stat_if_present.ts";

/** Why a path in a directory is skipped. */
export type SkipReason =
  | "excluded"
  | "hidden"
  | "empty"
  | "not a file"
  | "a broken link"
  | "a circular link"
  | "read already";

/** A path that was skipped. */
export interface SkippedPath {
  readonly path: string;
  readonly reason: SkipReason;
}

/** A file, and an identity that does not depend on the links that lead to it. */
export interface FoundFile {
  readonly path: string;
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** Selects files, to take or to leave out. */
export interface FileFilter {
  /** How it is written: a glob. */
  readonly name: string;
  /** Whether it selects a file, by its path relative to the directory that is searched. */
  readonly matches: (path: string) => boolean;
}

/** Options for finding files. */
export interface FindFilesOptions {
  /** Which files to take: those that one of these matches. Default: all. */
  readonly include?: readonly FileFilter[];
  /** Which files to leave out, and which directories not to look into: those that one of these matches. Default: none. */
  readonly exclude?: readonly FileFilter[];
  /** Called with each filter that matches something, once or more. */
  readonly onMatch?: (filter: FileFilter) => void;
  /** Identities of files that were already found; links to them are skipped. */
  readonly others?: ReadonlySet<string>;
}

/**
 * The files below a directory, ordered by path. Skips names that start with a dot, and links to what is found anyway,
 * so that no file comes twice and no circle is followed.
 */
export async function findFiles(
  root: string,
  { include, exclude = [], onMatch, others = new Set() }: FindFilesOptions = {},
): Promise<{ readonly files: FoundFile[]; readonly skipped: SkippedPath[] }> {
  const files: FoundFile[] = [];
  const skipped: SkippedPath[] = [];
  const taken = new Set<string>(), walked = new Set<string>();
  const links: string[] = [];
  const skip = (path: string, reason: SkipReason) => skipped.push({ path, reason });
  const isMatched = (path: string, filters: readonly FileFilter[]) => {
    // All are tried, so that each that matches is known.
    const matching = filters.filter(({ matches }) => matches(path.slice(root.length + 1)));
    for (const filter of matching) onMatch?.(filter);
    return matching.length > 0;
  };
  const isExcluded = (path: string) => isMatched(path, exclude);
  const choose = (path: string): "included" | "excluded" | "neither" => {
    const isLeftOut = isExcluded(path);
    if (include !== undefined && !isMatched(path, include)) return "neither";
    return isLeftOut ? "excluded" : "included";
  };

  const takeFile = (path: string, info: Deno.FileInfo, realPath: string, isLinked: boolean) => {
    const chosen = choose(path);
    if (chosen === "neither") return;
    if (chosen === "excluded") return skip(path, chosen);
    if (!info.isFile) return skip(path, "not a file");
    if (info.size === 0) return skip(path, "empty");
    const identity = identityOf(info, realPath);
    if (taken.has(identity) || (isLinked && others.has(identity))) return skip(path, "read already");
    taken.add(identity);
    files.push({ path, info, identity });
  };
  const walk = async (dir: string, realDir: string, isLinked: boolean) => {
    if (walked.has(realDir)) return;
    walked.add(realDir);
    for await (const { name, isSymlink, isDirectory } of Deno.readDir(dir)) {
      const path = `${dir}/${name}`, realPath = `${realDir}/${name}`;
      if (name.startsWith(".")) skip(path, isExcluded(path) ? "excluded" : "hidden");
      else if (isSymlink) links.push(path);
      else if (isDirectory) {
        if (isExcluded(path)) skip(path, "excluded");
        else await walk(path, realPath, isLinked);
      } else takeFile(path, await Deno.stat(path), realPath, isLinked);
    }
  };

  await walk(root, await Deno.realPath(root), false);
  // Links come last, so that a file keeps its own name if it has one here.
  while (links.length > 0) {
    for (const path of links.splice(0).sort(comparePaths)) {
      const info = await statIfPresent(path);
      if (info === undefined) {
        const chosen = choose(path);
        if (chosen !== "neither") skip(path, chosen === "excluded" ? chosen : "a broken link");
        continue;
      }
      const realPath = await Deno.realPath(path);
      const realParent = await Deno.realPath(path.slice(0, path.lastIndexOf("/")));
      if (!info.isDirectory) takeFile(path, info, realPath, true);
      else if (isExcluded(path)) skip(path, "excluded");
      else if (`${realParent}/`.startsWith(realPath.replace(/\/?$/, "/"))) skip(path, "a circular link");
      else if (walked.has(realPath)) skip(path, "read already");
      else await walk(path, realPath, true);
    }
  }
  files.sort((a, b) => comparePaths(a.path, b.path));
  skipped.sort((a, b) => comparePaths(a.path, b.path));
  return { files, skipped };
}

/** A file's identity, whatever path leads to it. */
export function identityOf({ dev, ino, nlink }: Deno.FileInfo, realPath: string): string {
  // Some file systems use all 64 bits of the inode number, but a double has only 53.
  return (nlink ?? 1) > 1 && ino !== null && Number.isSafeInteger(ino) ? `${dev}:${ino}` : realPath;
}

/** The order of walking: directory by directory, names in the order of their characters. */
function comparePaths(a: string, b: string): number {
  const left = a.split("/"), right = b.split("/");
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}
