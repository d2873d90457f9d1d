// The inputs that somebody names: files, directories, standard input.
import { UserError } from "../errors.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import type { FileFilter } from "./find_files.ts";
import { InputList, type InputReport, namesOf, type ReadingOptions } from "./input_list.ts";
import { STDIN, type TextInput } from "./text_inputs.ts";

export type { InputReport, ReadingOptions, SkippedInput, StructuredInput } from "./input_list.ts";

/** Options for `expandInputs`. */
export interface ExpandInputsOptions extends ReadingOptions {
  /** Whether standard input has one JSON object per line. */
  readonly stdinIsJsonLines?: boolean;
  /** Whether standard input may be empty. */
  readonly stdinMayBeEmpty?: boolean;
  /** Which files in directories to take: those that one of these matches. Default: all. */
  readonly include?: FileFilter | readonly FileFilter[];
  /** Which files in directories to leave out, and which directories in them not to look into. Default: none. */
  readonly exclude?: FileFilter | readonly FileFilter[];
  /** Called once, when all have been found. */
  readonly onReport?: (report: InputReport) => void;
}

/**
 * The inputs that paths name: files, the texts in directories and below them (ordered by path), and `-` for standard
 * input. The first bytes of each file are examined: a file that is not text is refused if it was named, and skipped in
 * a directory. Directories' hidden files, and links to files that are read anyway, are skipped too. A file that looks like
 * a table of texts is refused if it was named, and read as plain text in a directory, where it may be code.
 *
 * @throws {UserError} If a path is missing, empty or not text, a directory has no texts, or `-` is given twice.
 */
export async function expandInputs(
  paths: readonly string[],
  options: ExpandInputsOptions = {},
): Promise<TextInput[]> {
  const include = options.include === undefined ? undefined : [options.include].flat();
  const exclude = [options.exclude ?? []].flat();
  const inputs = new InputList(include, exclude, options);
  for (const path of paths) {
    if (path === STDIN) {
      const { stdinIsJsonLines = false, stdinMayBeEmpty } = options;
      inputs.add({ path, isGzip: false, isJsonLines: stdinIsJsonLines, mayBeEmpty: stdinMayBeEmpty });
      continue;
    }
    const info = await statIfPresent(path);
    if (info === undefined) {
      throw new UserError(`Cannot read ${path}: there is no such file. Check the path`);
    }
    if (info.isDirectory) await inputs.addDirectory(path);
    else await inputs.addFile(path, info);
  }
  if (inputs.all.filter(({ path }) => path === STDIN).length > 1) {
    throw new UserError("Cannot read standard input twice: got - several times, must be given once");
  }
  if (inputs.numDirectories === 0) {
    for (const [filters, aim] of [[include ?? [], "select"], [exclude, "leave out"]] as const) {
      if (filters.length === 0) continue;
      throw new UserError(
        `Cannot ${aim} files that match ${namesOf(filters)}: there is no directory to look in. Name one`,
      );
    }
  }
  options.onReport?.(inputs);
  return inputs.all;
}
