// Globs that say which files of a directory are wanted.
// @ts-types="@types/picomatch"
import picomatch from "picomatch";
import type { FileFilter } from "../../lib/corpus/find_files.ts";

/** Takes files whose names match a glob or, with a slash in it, whose paths from the directory on do. */
export function fileFilter(glob: string): FileFilter {
  return { name: glob, matches: picomatch(glob, { basename: !glob.includes("/") }) };
}
