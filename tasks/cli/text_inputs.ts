// Finds the texts that were named, and reports on them on stderr.
import { expandInputs, type ExpandInputsOptions, type InputReport } from "../../lib/corpus/expand_inputs.ts";
import { formatSi } from "../../lib/accounting/units.ts";
import type { InputKind } from "../../lib/corpus/input_kinds.ts";
import { STDIN, type TableOptions, type TextInput } from "../../lib/corpus/text_inputs.ts";
import { UsageError } from "./errors.ts";
import { fileFilters, type FilterGlobs } from "./file_filter.ts";
import { shown } from "./shown.ts";

/** Paths, or kinds of file, that are listed; more are counted. */
const LISTED = 5;
/** What is passed over in any directory, and nothing to worry about. */
const EXPECTED: readonly string[] = ["excluded", "hidden", "empty", "read already"];

/** Options for `findInputs`. */
export interface FindInputsOptions extends Omit<ExpandInputsOptions, "include" | "exclude">, FilterGlobs {}

/** Finds inputs, and says what was found in directories and what is odd. Throws as {@linkcode expandInputs}. */
export function findInputs(
  paths: readonly string[],
  { include, exclude, ...options }: FindInputsOptions = {},
): Promise<TextInput[]> {
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new UsageError("Cannot read standard input twice: got - several times, must be given once");
  }
  const onReport = (report: InputReport) => {
    tell(report);
    options.onReport?.(report);
  };
  return expandInputs(paths, { readParquet, ...options, ...fileFilters({ include, exclude }), onReport });
}

/** Reads Parquet files by a library that is loaded for the first of them. */
async function* readParquet(path: string, options: TableOptions): AsyncGenerator<Uint8Array> {
  const { parquetTexts } = await import("./parquet/parquet_texts.ts");
  yield* parquetTexts(path, options);
}

/** What `--json` prints of inputs: what is read by kind, and how much of directories is passed over, by reason. */
export function describeInputs({ kinds, skipped }: InputReport) {
  const reasons = Map.groupBy(skipped, ({ reason }) => reason);
  return { kinds, skipped: [...reasons].map(([reason, { length }]) => ({ reason, paths: length })) };
}

/** Prints a warning. */
export function warn(message: string): void {
  console.error(`warning: ${message}`);
}

function tell({ kinds, found, skipped, unmatched, repeated, notUtf8, marked, structured }: InputReport): void {
  const numFiles = kinds.reduce((sum, { files }) => sum + files, 0);
  // One file that was named is no news.
  if (found.length > 0 || numFiles > 1) {
    const bytes = kinds.reduce((sum, { bytes }) => sum + bytes, 0);
    console.error(`Found ${files(numFiles)} of text, ${formatSi(bytes, "B")}: ${describeKinds(kinds)}`);
  }
  for (const [reason, paths] of Map.groupBy(skipped, ({ reason }) => reason)) {
    // Some are directories.
    if (EXPECTED.includes(reason)) console.error(`skipped ${paths.length} ${reason}`);
    else warn(`skipped ${files(paths.length)}, ${reason}: ${list(paths.map(({ path }) => path))}`);
  }
  for (const name of unmatched) warn(`nothing in the directories matches ${shown(name)}`);
  if (repeated.length > 0) {
    warn(`${files(repeated.length)} named more than once, and read that many times: ${list(repeated)}`);
  }
  if (notUtf8.length > 0) {
    warn(`${files(notUtf8.length)} not in UTF-8; their bytes are kept as they are: ${list(notUtf8)}`);
  }
  for (const [structure, inputs] of Map.groupBy(structured, ({ structure }) => structure)) {
    warn(
      `${files(inputs.length)} that look like ${structure}, read as plain text: ${
        list(inputs.map(({ path }) => path))
      }`,
    );
  }
  if (marked.length > 0) {
    warn(`${files(marked.length)} with a byte order mark, which stays part of the text: ${list(marked)}`);
  }
}

/** `98 .u8 (6.10 MB), 1 .md (312 B) and 2 other kinds` */
function describeKinds(kinds: readonly InputKind[]): string {
  const named = kinds.slice(0, LISTED).map(({ extension, files, bytes }) =>
    `${files} ${extension || "without an ending"} (${formatSi(bytes, "B")})`
  ).join(", ");
  const others = kinds.length - LISTED;
  return others <= 0 ? named : `${named} and ${others} other ${others === 1 ? "kind" : "kinds"}`;
}

function files(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

function list(paths: readonly string[]): string {
  const more = paths.length - LISTED;
  return paths.slice(0, LISTED).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
