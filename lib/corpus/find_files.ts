// The files below a directory that may be texts, each once.
import { statOrNull } from "../io/stat_or_null.ts";

/** Why a path below a directory is passed over. */
export type SkipReason =
  | "excluded"
  | "hidden"
  | "empty"
  | "not a file"
  | "a broken link"
  | "a circular link"
  | "read already";

/** A path that was passed over. */
export interface SkippedPath {
  readonly path: string;
  readonly reason: SkipReason;
}

/** A file, and a name that it has whatever links lead to it. */
export interface FoundFile {
  readonly path: string;
  readonly info: Deno.FileInfo;
  readonly identity: string;
}

/** Files that are wanted, or that are not. */
export interface FileFilter {
  /** What a person calls it: a glob. */
  readonly name: string;
  /** Whether it is about a file, by its path from the directory on that is searched. */
  readonly matches: (path: string) => boolean;
}

/** How files are looked for. */
export interface FindFilesOptions {
  /** Files that one of these matches are wanted. By default all are. */
  readonly include?: readonly FileFilter[];
  /** Files that one of these matches are not wanted, nor is anything in directories that one matches. */
  readonly exclude?: readonly FileFilter[];
  /** Called with each of the filters that matches something, once or more. */
  readonly onMatch?: (filter: FileFilter) => void;
  /** Files that are there already, by their identity: links to them are passed over. */
  readonly others?: ReadonlySet<string>;
}

/**
 * The files below a directory in the order of their paths. Names that start with a dot are passed over, and so are links to
 * what is there anyway: no file comes twice, and no circle is walked.
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
  // Links come last: what they lead to keeps its own name where it has one here.
  while (links.length > 0) {
    for (const path of links.splice(0).sort(comparePaths)) {
      const info = await statOrNull(path);
      if (info === null) {
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

/** A name of a file that does not depend on the path it was reached by. */
export function identityOf({ dev, ino, nlink }: Deno.FileInfo, realPath: string): string {
  // Some file systems use all 64 bits of the inode's number, of which a double keeps 53.
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
