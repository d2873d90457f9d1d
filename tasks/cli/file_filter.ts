// Globs that say which files of a directory are wanted.
// @ts-types="@types/picomatch"
import picomatch from "picomatch";
import type { FileFilter } from "../../lib/corpus/find_files.ts";

/** The flags that choose files of directories. */
export const FILTER_FLAGS = { include: { type: "strings" }, exclude: { type: "strings" } } as const;

/** Lines of `--help` for them. */
export const FILTER_HELP =
  `--include GLOB      in directories, take only files whose names match, such as '*.txt'; with a slash, GLOB matches
                      paths. May be given several times
  --exclude GLOB      in directories, leave out files that match, and directories that match: '*.dat', drafts. May be
                      given several times`;

/** What the flags gave. */
export interface FilterGlobs {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** The filters of some flags. */
export function fileFilters({ include = [], exclude = [] }: FilterGlobs): {
  readonly include?: readonly FileFilter[];
  readonly exclude: readonly FileFilter[];
} {
  return {
    ...(include.length > 0 && { include: include.map(fileFilter) }),
    // A directory may be typed with a slash at its end; its path has none.
    exclude: exclude.map((glob) => ({ ...fileFilter(glob.replace(/(?<=[^/])\/+$/, "")), name: glob })),
  };
}

/** Matches files whose names match a glob or, with a slash in it, whose paths from the directory on do. */
export function fileFilter(glob: string): FileFilter {
  return { name: glob, matches: picomatch(glob, { basename: !glob.includes("/") }) };
}
